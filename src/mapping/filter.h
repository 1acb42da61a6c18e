#pragma once

// Which of a stream's records a mapping is interested in: FilterCriteria. A record passes if one of
// the patterns matches. Patterns see the record's own members (partitionKey, sequenceNumber, ...)
// beside `data`, which is the record's body as JSON; a body that is not JSON passes no pattern that
// asks for `data`. Of a table's changes they see the change: eventName, dynamodb, ... Immutable,
// thread-safe.

#include <span>
#include <string>
#include <vector>

#include "mapping/event.h"
#include "patterns/pattern.h"

namespace mapping {

inline constexpr std::size_t kFiltersMax = 5;

class Filter {
 public:
  Filter() = default;  // everything passes
  // kInvalidArgument, with the reason, for what AWS refuses.
  static base::Result<Filter> compile(std::span<const std::string> patterns);

  bool empty() const { return patterns_.empty(); }
  bool passes(const EventFrame& frame, const SourceRecord& record) const;

 private:
  bool passes_change(const SourceRecord& record) const;

  std::vector<patterns::Pattern> patterns_;
};

}  // namespace mapping

#pragma once

// Event patterns: AWS's language for "does this event interest me?", as EventBridge rules and the
// filters of event source mappings speak it. Knows JSON, and nothing of who asks.
//
// A pattern is an object shaped like the events it wants; at its leaves stand lists of what a value
// may be: literals, or one of prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric,
// exists, cidr, exactly. "$or" holds alternatives. A value that is a list matches if one of its
// elements does; conditions on the members of one list element have to hold for the same element.
//
// Immutable once parsed, thread-safe, cheap to copy. Matching takes time in proportion to the event
// for each condition. Upper and lower case are told apart for ASCII only.

#include <memory>
#include <string_view>

#include "base/result.h"

namespace patterns {

inline constexpr std::size_t kPatternBytesMax = 4096;  // AWS's own bound
inline constexpr std::size_t kDepthMax = 128;          // of patterns and events

// What patterns are held against. Owned by one thread.
class Event {
 public:
  Event();
  Event(Event&& other) noexcept;
  Event& operator=(Event&& other) noexcept;
  ~Event();

  void set(std::string_view member, std::string_view text);
  void set(std::string_view member, double number);
  // False if `text` is not JSON, or deeper than kDepthMax; nothing is changed then.
  bool set_json(std::string_view member, std::string_view text);

 private:
  friend class Pattern;
  struct Body;
  std::unique_ptr<Body> body_;
};

class Pattern {
 public:
  // kInvalidArgument, with the reason, for what AWS refuses.
  static base::Result<Pattern> parse(std::string_view text);

  bool matches(const Event& event) const;

  // What the pattern says of a member of the event itself, anywhere at its top, also within "$or".
  bool asks_for(std::string_view member) const;
  // It holds the member itself against values, not what is inside it.
  bool compares(std::string_view member) const;

  struct Object;

 private:
  explicit Pattern(std::shared_ptr<const Object> root) : root_(std::move(root)) {}
  std::shared_ptr<const Object> root_;
};

}  // namespace patterns

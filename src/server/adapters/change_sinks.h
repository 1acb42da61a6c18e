#pragma once

// ChangeSinks: the streams of tables and the histories of tables, as the one sink that tables know.
// Each records in turn, always in the same order, which is the order of their locks. Thread-safe;
// both outlive it.

#include "tables/changes.h"

namespace server {

class ChangeSinks final : public tables::ChangeSink {
 public:
  ChangeSinks(tables::ChangeSink& first, tables::ChangeSink& second)
      : first_(first), second_(second) {}

  std::unique_ptr<Recording> record(std::span<const tables::Change> changes,
                                    store::Batch& batch) override;
  void redefine(const tables::Definition* before, const tables::Definition* after,
                store::Batch& batch) override;
  void redefined(const tables::Definition* before, const tables::Definition* after) override;
  void removing(const tables::Table& table, store::Batch& batch) override;

 private:
  tables::ChangeSink& first_;
  tables::ChangeSink& second_;
};

}  // namespace server

#include "tables/changes.h"

namespace tables {

bool is_captured(const Definition& table) {
  return table.stream.has_value() || table.feed.has_value() || table.history.has_value();
}

base::Result<store::Sequence> submit_changes(store::Store& store, ChangeSink* sink,
                                             std::span<const Change> changes, store::Batch batch) {
  std::unique_ptr<ChangeSink::Recording> recording;
  if (sink != nullptr && !changes.empty()) recording = sink->record(changes, batch);
  auto sequence = store.submit(std::move(batch));
  if (sequence && recording) recording->submitted(*sequence);
  return sequence;
}

}  // namespace tables

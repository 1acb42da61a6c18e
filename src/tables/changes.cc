#include "tables/changes.h"

namespace tables {

base::Result<store::Sequence> submit_changes(store::Store& store, ChangeSink* sink,
                                             std::span<const Change> changes, store::Batch batch) {
  std::unique_ptr<ChangeSink::Recording> recording;
  if (sink != nullptr && !changes.empty()) recording = sink->record(changes, batch);
  auto sequence = store.submit(std::move(batch));
  if (sequence && recording) recording->submitted(*sequence);
  return sequence;
}

}  // namespace tables

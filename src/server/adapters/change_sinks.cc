#include "server/adapters/change_sinks.h"

namespace server {

namespace {

using Recording = tables::ChangeSink::Recording;

class Both final : public Recording {
 public:
  Both(std::unique_ptr<Recording> first, std::unique_ptr<Recording> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  void submitted(store::Sequence sequence) override {
    first_->submitted(sequence);
    second_->submitted(sequence);
  }

 private:
  std::unique_ptr<Recording> first_, second_;
};

}  // namespace

std::unique_ptr<Recording> ChangeSinks::record(std::span<const tables::Change> changes,
                                               store::Batch& batch) {
  auto first = first_.record(changes, batch);
  auto second = second_.record(changes, batch);
  if (!first) return second;
  if (!second) return first;
  return std::make_unique<Both>(std::move(first), std::move(second));
}

void ChangeSinks::redefine(const tables::Definition* before, const tables::Definition* after,
                           store::Batch& batch) {
  first_.redefine(before, after, batch);
  second_.redefine(before, after, batch);
}

void ChangeSinks::redefined(const tables::Definition* before, const tables::Definition* after) {
  first_.redefined(before, after);
  second_.redefined(before, after);
}

void ChangeSinks::removing(const tables::Table& table, store::Batch& batch) {
  first_.removing(table, batch);
  second_.removing(table, batch);
}

}  // namespace server

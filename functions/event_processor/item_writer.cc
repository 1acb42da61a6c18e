#include "event_processor/item_writer.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "event_processor/batch_write.h"

namespace event_processor {
namespace {

// The items of `batch` that `keys` names; fewer than keys if a key is not ours.
std::vector<Item> items_named(const std::vector<Item>& batch, const std::vector<Key>& keys) {
  std::vector<Item> named;
  std::ranges::copy_if(batch, std::back_inserter(named), [&](const Item& item) {
    return std::ranges::any_of(keys, [&](const Key& key) {
      return key.first == item.username && key.second == item.timestamp;
    });
  });
  return named;
}

std::unexpected<sdk::Error> out_of_time(std::size_t left, std::size_t total) {
  return sdk::failure(sdk::Fault::kTimeout, "ItemsNotWritten",
                      std::to_string(left) + " of " + std::to_string(total) +
                          " items were not written within the time limit: DynamoDB returned them "
                          "as unprocessed");
}

}  // namespace

sdk::Result<WriteReport> ItemWriter::write(std::string_view table, std::vector<Item> items,
                                           sdk::Deadline deadline) {
  const std::size_t total = items.size();
  // A stack: the items' own order does not matter, since their keys differ.
  std::vector<Item> left = std::move(items);
  std::ranges::reverse(left);
  WriteReport report;
  int barren = 0;  // answers in a row that wrote nothing
  while (!left.empty()) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(left.size(), kBatchItemsMax));
    const std::vector<Item> batch(std::make_move_iterator(left.end() - count),
                                  std::make_move_iterator(left.end()));
    left.erase(left.end() - count, left.end());
    auto answer = dynamodb_.call("BatchWriteItem", batch_write_request(table, batch), deadline);
    ++report.calls;
    if (!answer) return std::unexpected(answer.error());
    auto keys = unprocessed_keys(table, *answer);
    if (!keys) return std::unexpected(keys.error());
    std::vector<Item> again = items_named(batch, *keys);
    if (again.size() != keys->size()) {
      return sdk::failure(sdk::Fault::kProtocol, "BadBatchWriteAnswer",
                          "DynamoDB returned unprocessed items that were not sent");
    }
    report.written += batch.size() - again.size();
    report.retried += again.size();
    if (again.empty()) {
      barren = 0;
      continue;
    }
    barren = again.size() == batch.size() ? barren + 1 : 0;
    std::ranges::move(again, std::back_inserter(left));
    const std::int64_t pause_ms = backoff_.delay_ms(barren, random_);
    if (clock_.remaining_ms(deadline) <= pause_ms) return out_of_time(left.size(), total);
    clock_.sleep_ms(pause_ms);
  }
  return report;
}

}  // namespace event_processor

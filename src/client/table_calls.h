#pragma once

// What the commands ask of DynamoDB, whole: pages put together. Limits: kTablesListedMax tables,
// kDescribesAtOnce descriptions at a time.

#include <functional>
#include <vector>

#include "api/dynamodb/operations.h"
#include "client/item_text.h"
#include "client/patient.h"

namespace client {

inline constexpr std::size_t kTablesListedMax = 100'000;
inline constexpr std::size_t kDescribesAtOnce = 8;

async::Task<Answer<std::vector<std::string>>> list_table_names(const Retries& with);
async::Task<Answer<api::dynamodb::TableDescription>> describe_table(const Retries& with,
                                                                    std::string name);
// Those that are there; a table that goes meanwhile is left out.
async::Task<Answer<std::vector<api::dynamodb::TableDescription>>> describe_tables(
    const Retries& with, std::vector<std::string> names);

// Takes a page's items, at most as many as are wanted; false: enough.
using TakeItems = std::function<bool(std::vector<Item>)>;

struct ReadEnd {
  std::size_t items = 0;
  bool more = false;  // that were not read
};
// Up to `items_max` items (0: all) of a Query or a Scan. Ends early when it is stopped.
template <class Op>
async::Task<Answer<ReadEnd>> read_items(Retries with, typename Op::Input input,
                                        std::size_t items_max, TakeItems take) {
  ReadEnd end;
  for (;;) {
    auto page = co_await call_patiently<Op>(with, input);
    if (!page) co_return std::unexpected(std::move(page).error());
    std::vector<Item> items;
    if (page->items) items = *std::move(page->items);
    end.more = page->last_evaluated_key && !page->last_evaluated_key->empty();
    if (items_max > 0 && end.items + items.size() >= items_max) {
      end.more = end.more || end.items + items.size() > items_max;
      items.resize(items_max - end.items);
    }
    end.items += items.size();
    const bool goes_on = take(std::move(items)) && end.more && !with.stop.stop_requested() &&
                         (items_max == 0 || end.items < items_max);
    if (!goes_on) co_return end;
    input.exclusive_start_key = std::move(page->last_evaluated_key);
  }
}

}  // namespace client

#pragma once

// Items from their stored form to the JSON of an answer, without Values in between. Internal.

#include <string>
#include <string_view>
#include <vector>

#include "tables/value.h"
#include "wire/registry.h"

namespace services::dynamodb {

// Appends the item as a JSON object. Damaged bytes end the process: whoever read them has checked.
void append_item_json(std::string& out, std::string_view stored);

tables::Item item_of(std::string_view stored);

// "Items" of Query and Scan; "Item" of GetItem. No item is a null string.
template <class Output>
wire::Prepared<Output> with_items(Output head, std::vector<std::string> stored) {
  const auto items = std::make_shared<const std::vector<std::string>>(std::move(stored));
  return {.head = std::move(head),
          .member = "Items",
          .to_json =
              [items](std::string& out) {
                std::size_t bytes = 0;
                for (const std::string& one : *items) bytes += 2 * one.size();
                out.reserve(out.size() + bytes);
                char before = '[';
                for (const std::string& one : *items) {
                  out += before;
                  append_item_json(out, one);
                  before = ',';
                }
                out += items->empty() ? "[]" : "]";
              },
          .into =
              [items](Output& output) {
                output.items.emplace();
                for (const std::string& one : *items) output.items->push_back(item_of(one));
              }};
}

template <class Output>
wire::Prepared<Output> with_item(Output head, std::string stored) {
  const auto item = std::make_shared<const std::string>(std::move(stored));
  return {.head = std::move(head),
          .member = "Item",
          .to_json =
              [item](std::string& out) {
                out.reserve(out.size() + 2 * item->size());
                append_item_json(out, *item);
              },
          .into = [item](Output& output) { output.item = item_of(*item); }};
}

}  // namespace services::dynamodb

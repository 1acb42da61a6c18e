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

// "Items" of Query and Scan.
template <class Output>
class StoredItems final : public wire::ReadyMember {
 public:
  explicit StoredItems(std::vector<std::string> stored)
      : ReadyMember("Items"), stored_(std::move(stored)) {}
  void append_json(std::string& out) const override {
    std::size_t bytes = 0;
    for (const std::string& one : stored_) bytes += 2 * one.size();
    out.reserve(out.size() + bytes);
    char before = '[';
    for (const std::string& one : stored_) {
      out += before;
      append_item_json(out, one);
      before = ',';
    }
    out += stored_.empty() ? "[]" : "]";
  }
  void complete(void* output) const override {
    auto& items = static_cast<Output*>(output)->items.emplace();
    for (const std::string& one : stored_) items.push_back(item_of(one));
  }

 private:
  const std::vector<std::string> stored_;
};

// "Item" of GetItem.
template <class Output>
class StoredItem final : public wire::ReadyMember {
 public:
  explicit StoredItem(std::string stored) : ReadyMember("Item"), stored_(std::move(stored)) {}
  void append_json(std::string& out) const override {
    out.reserve(out.size() + 2 * stored_.size());
    append_item_json(out, stored_);
  }
  void complete(void* output) const override {
    static_cast<Output*>(output)->item = item_of(stored_);
  }

 private:
  const std::string stored_;
};

}  // namespace services::dynamodb

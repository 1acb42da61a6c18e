#include "store/store.h"

#include <iterator>

namespace store {

void Batch::put(std::string key, std::string value) {
  bytes_ += key.size() + value.size();
  operations_.push_back({.kind = Operation::Kind::kPut,
                         .key = std::move(key),
                         .value = std::move(value),
                         .log = {},
                         .entries = {}});
}

void Batch::erase(std::string key) {
  bytes_ += key.size();
  operations_.push_back({.kind = Operation::Kind::kErase,
                         .key = std::move(key),
                         .value = {},
                         .log = {},
                         .entries = {}});
}

void Batch::erase_range(std::string from, std::string to) {
  bytes_ += from.size() + to.size();
  operations_.push_back({.kind = Operation::Kind::kEraseRange,
                         .key = std::move(from),
                         .value = std::move(to),
                         .log = {},
                         .entries = {}});
}

void Batch::append(LogId log, std::uint64_t first, std::vector<std::string> entries) {
  std::vector<NewEntry> whole;
  whole.reserve(entries.size());
  for (std::string& entry : entries) whole.push_back({.pieces = {std::move(entry), {}, {}}});
  append_entries(log, first, std::move(whole));
}

void Batch::append_entries(LogId log, std::uint64_t first, std::vector<NewEntry> entries) {
  for (const NewEntry& entry : entries) bytes_ += entry.size();
  operations_.push_back({.kind = Operation::Kind::kAppend,
                         .key = {},
                         .value = {},
                         .log = log,
                         .position = first,
                         .entries = std::move(entries)});
}

void Batch::trim(LogId log, std::uint64_t position) {
  operations_.push_back({.kind = Operation::Kind::kTrim,
                         .key = {},
                         .value = {},
                         .log = log,
                         .position = position,
                         .entries = {}});
}

void Batch::drop(LogId log) {
  operations_.push_back(
      {.kind = Operation::Kind::kDrop, .key = {}, .value = {}, .log = log, .entries = {}});
}

void Batch::merge(Batch other) {
  bytes_ += other.bytes_;
  operations_.insert(operations_.end(), std::make_move_iterator(other.operations_.begin()),
                     std::make_move_iterator(other.operations_.end()));
}

async::Task<base::Status> Store::commit(Batch batch) {
  const auto sequence = submit(std::move(batch));
  if (!sequence) co_return std::unexpected(sequence.error());
  base::Status synced = co_await durable(*sequence);
  co_return synced;
}

std::string prefix_end(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty())
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace store

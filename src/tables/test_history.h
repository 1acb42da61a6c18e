#pragma once

// For tests: what concurrent clients did to one key and were answered, and whether that could have
// happened one after the other, each operation at some moment between its call and its answer
// (linearizability). A search after Wing and Gong, which remembers what it has tried. Pure.
// Limit: kHistoryMax operations of a key.

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace tables {

inline constexpr std::size_t kHistoryMax = 1024;

// The key holds a number, or nothing.
using Held = std::optional<std::int64_t>;

struct Operation {
  enum class Kind { kGet, kPut, kAdd, kPutIfAbsent, kDeleteIf };
  Kind kind = Kind::kGet;
  std::int64_t argument = 0;
  Held answer;          // kGet: what is there; kPut: what was there; kAdd: what is there now
  bool applied = true;  // conditional ones: whether the condition held
  std::uint64_t called = 0;
  std::uint64_t answered = std::numeric_limits<std::uint64_t>::max();
};

// What `held` becomes, if the operation may answer as it did where the key holds that.
inline std::optional<Held> step(const Operation& operation, const Held& held) {
  using Kind = Operation::Kind;
  switch (operation.kind) {
    case Kind::kGet:
      if (operation.answer == held) return held;
      return std::nullopt;
    case Kind::kPut:
      if (operation.answer == held) return Held(operation.argument);
      return std::nullopt;
    case Kind::kAdd: {
      const std::int64_t sum = held.value_or(0) + operation.argument;
      if (operation.answer == Held(sum)) return Held(sum);
      return std::nullopt;
    }
    case Kind::kPutIfAbsent:
      if (operation.applied == held.has_value()) return std::nullopt;
      return operation.applied ? Held(operation.argument) : held;
    case Kind::kDeleteIf:
      if (operation.applied != (held == Held(operation.argument))) return std::nullopt;
      return operation.applied ? Held() : held;
  }
  return std::nullopt;
}

class HistoryCheck {
 public:
  explicit HistoryCheck(std::vector<Operation> history) : history_(std::move(history)) {
    std::ranges::sort(history_, {}, &Operation::called);
  }

  bool linearizable() { return history_.size() <= kHistoryMax && search(0, Held()); }

 private:
  using Done = std::bitset<kHistoryMax>;

  // Whether what is left can follow; `first` is the first operation that is left.
  bool search(std::size_t first, const Held& held) {
    while (first < history_.size() && done_[first]) ++first;
    if (first == history_.size()) return true;
    // What is done ends not far behind the first that is not: a few bits say where one is.
    if (!tried_.insert({first, window(first), held}).second) return false;
    std::uint64_t earliest_answer = std::numeric_limits<std::uint64_t>::max();
    for (std::size_t i = first; i < history_.size(); ++i) {
      if (history_[i].called > earliest_answer) break;
      if (done_[i]) continue;
      earliest_answer = std::min(earliest_answer, history_[i].answered);
      const auto next = step(history_[i], held);
      if (!next) continue;
      done_[i] = true;
      if (search(first, *next)) return true;
      done_[i] = false;
    }
    return false;
  }

  std::string window(std::size_t first) const {
    std::string bits;
    for (std::size_t i = first; i < history_.size(); ++i) bits += done_[i] ? '1' : '0';
    bits.erase(bits.find_last_of('1') == std::string::npos ? 0 : bits.find_last_of('1') + 1);
    return bits;
  }

  std::vector<Operation> history_;
  Done done_;
  std::set<std::tuple<std::size_t, std::string, Held>> tried_;
};

}  // namespace tables

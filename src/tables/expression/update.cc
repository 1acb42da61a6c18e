#include "tables/expression/update.h"

#include <algorithm>

#include "tables/expression/evaluate.h"
#include "tables/number.h"

namespace tables::expression {

namespace {

constexpr std::string_view kWrongType =
    "An operand in the update expression has an incorrect data type";
constexpr std::string_view kMissing =
    "The provided expression refers to an attribute that does not exist in the item";
constexpr std::string_view kInvalidPath =
    "The document path provided in the update expression is invalid for update";
constexpr std::string_view kLegacyMismatch = "Type mismatch for attribute to update";

std::unexpected<std::string> wrong(std::string_view text) {
  return std::unexpected(std::string(text));
}

Parsed<Value> arithmetic(const Value& a, const Value& b, bool minus) {
  if (!a.is_n() || !b.is_n()) return wrong(kWrongType);
  const auto left = Number::parse(a.n());
  if (!left) return std::unexpected(left.error());
  const auto right = Number::parse(b.n());
  if (!right) return std::unexpected(right.error());
  const auto result = minus ? Number::subtract(*left, *right) : Number::add(*left, *right);
  if (!result) return std::unexpected(result.error());
  return Value::of_n(result->to_string());
}

Parsed<Value> evaluate(const Operand& operand, const Item& item) {
  switch (operand.kind) {
    case Operand::Kind::kPath: {
      const Value* const found = find(item, operand.path);
      if (found == nullptr) return wrong(kMissing);
      return *found;
    }
    case Operand::Kind::kValue: return operand.value;
    case Operand::Kind::kIfNotExists: {
      const Value* const found = find(item, operand.arguments[0].path);
      if (found != nullptr) return *found;
      return evaluate(operand.arguments[1], item);
    }
    case Operand::Kind::kSize: return wrong(kWrongType);
    default: break;
  }
  auto first = evaluate(operand.arguments[0], item);
  if (!first) return first;
  auto second = evaluate(operand.arguments[1], item);
  if (!second) return second;
  if (operand.kind != Operand::Kind::kListAppend)
    return arithmetic(*first, *second, operand.kind == Operand::Kind::kMinus);
  if (!first->is_l() || !second->is_l()) return wrong(kWrongType);
  auto& list = first->l();
  list.insert(list.end(), second->l().begin(), second->l().end());
  return first;
}

// What ADD makes of the old value.
Parsed<Value> added(const Value* old, const Value& more, bool legacy) {
  if (old == nullptr) return more;
  if (old->member() != more.member()) return wrong(legacy ? kLegacyMismatch : kWrongType);
  if (more.is_n()) return arithmetic(*old, more, false);
  if (is_set(more)) return set_union(*old, more);
  Value list = *old;
  list.l().insert(list.l().end(), more.l().begin(), more.l().end());
  return list;
}

struct Append {
  Path path;
  Value value;
};

// Collects what changes the shape of lists until everything else is in place.
class Applier {
 public:
  Applier(const Update& update, const Item& old) : update_(update), old_(old), item_(old) {}

  Parsed<Item> run() {
    for (const Action& action : update_.actions) {
      if (auto problem = one(action)) return std::unexpected(*std::move(problem));
    }
    finish_appends();
    finish_removals();
    return std::move(item_);
  }

 private:
  using Problem = std::optional<std::string>;

  Problem one(const Action& action) {
    if (action.kind == Action::Kind::kSet) {
      auto value = evaluate(action.value, old_);
      if (!value) return std::move(value).error();
      return put(action.path, *std::move(value));
    }
    if (!parent_exists(action.path)) return std::string(kInvalidPath);
    if (action.kind == Action::Kind::kRemove) {
      removals_.push_back(&action.path);
      return std::nullopt;
    }
    const Value* const old = find(old_, action.path);
    if (action.kind == Action::Kind::kAdd) {
      auto value = added(old, action.value.value, update_.legacy);
      if (!value) return std::move(value).error();
      return put(action.path, *std::move(value));
    }
    if (old == nullptr) return std::nullopt;
    if (old->member() != action.value.value.member())
      return std::string(update_.legacy ? kLegacyMismatch : kWrongType);
    Value left = set_difference(*old, action.value.value);
    if (size_of(left) != 0U) return put(action.path, std::move(left));
    removals_.push_back(&action.path);
    return std::nullopt;
  }

  // The map or list that holds the path's last step, in the item as it becomes; nullptr: none.
  Value* parent(const Path& path) {
    const auto first = item_.find(path.front().name);
    if (first == item_.end()) return nullptr;
    Value* at = &first->second;
    for (std::size_t i = 1; i + 1 < path.size(); ++i) {
      const Step& step = path[i];
      if (step.is_index) {
        if (!at->is_l() || step.index >= at->l().size()) return nullptr;
        at = &at->l()[step.index];
      } else {
        if (!at->is_m()) return nullptr;
        const auto found = at->m().find(step.name);
        if (found == at->m().end()) return nullptr;
        at = &found->second;
      }
    }
    return path.back().is_index ? (at->is_l() ? at : nullptr) : (at->is_m() ? at : nullptr);
  }

  bool parent_exists(const Path& path) { return path.size() == 1 || parent(path) != nullptr; }

  Problem put(const Path& path, Value value) {
    if (path.size() == 1) {
      item_.insert_or_assign(path.front().name, std::move(value));
      return std::nullopt;
    }
    Value* const holder = parent(path);
    if (holder == nullptr) return std::string(kInvalidPath);
    const Step& last = path.back();
    if (!last.is_index) holder->m().insert_or_assign(last.name, std::move(value));
    else if (last.index < holder->l().size()) holder->l()[last.index] = std::move(value);
    else appends_.push_back({path, std::move(value)});
    return std::nullopt;
  }

  // Elements set beyond the end come to the end, in the order of their indexes.
  void finish_appends() {
    std::ranges::sort(appends_, [](const Append& a, const Append& b) {
      return a.path.back().index < b.path.back().index;
    });
    for (Append& append : appends_) parent(append.path)->l().push_back(std::move(append.value));
  }

  // From the back, so that no removal moves what another one names.
  void finish_removals() {
    std::ranges::sort(removals_, [](const Path* a, const Path* b) {
      return std::ranges::lexicographical_compare(*b, *a, [](const Step& x, const Step& y) {
        return x.is_index && y.is_index ? x.index < y.index : x.name < y.name;
      });
    });
    for (const Path* path : removals_) {
      if (path->size() == 1) {
        item_.erase(path->front().name);
        continue;
      }
      Value* const holder = parent(*path);
      if (holder == nullptr) continue;
      const Step& last = path->back();
      if (!last.is_index) holder->m().erase(last.name);
      else if (last.index < holder->l().size()) holder->l().erase(holder->l().begin() + last.index);
    }
  }

  const Update& update_;
  const Item& old_;
  Item item_;
  std::vector<Append> appends_;
  std::vector<const Path*> removals_;
};

}  // namespace

Parsed<Item> apply(const Update& update, const Item& item) { return Applier(update, item).run(); }

}  // namespace tables::expression

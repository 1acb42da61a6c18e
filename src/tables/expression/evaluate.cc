#include "tables/expression/evaluate.h"

#include <algorithm>

namespace tables::expression {

namespace {

// A value that lives in the item or the expression, or was computed.
class Found {
 public:
  Found() = default;
  explicit Found(const Value* value) : value_(value) {}
  explicit Found(Value made) : made_(std::move(made)), is_made_(true) {}
  const Value* get() const { return is_made_ ? &made_ : value_; }

 private:
  const Value* value_ = nullptr;
  Value made_;
  bool is_made_ = false;
};

const Value* child(const Value& value, const Step& step) {
  if (step.is_index) {
    if (!value.is_l() || step.index >= value.l().size()) return nullptr;
    return &value.l()[step.index];
  }
  if (!value.is_m()) return nullptr;
  const auto found = value.m().find(step.name);
  return found == value.m().end() ? nullptr : &found->second;
}

Found operand(const Operand& operand_, const Item& item) {
  switch (operand_.kind) {
    case Operand::Kind::kPath: return Found(find(item, operand_.path));
    case Operand::Kind::kValue: return Found(&operand_.value);
    case Operand::Kind::kSize: {
      const Found inner = operand(operand_.arguments[0], item);
      if (inner.get() == nullptr) return {};
      const auto size = size_of(*inner.get());
      return size ? Found(Value::of_n(std::to_string(*size))) : Found();
    }
    default: return {};
  }
}

bool compares(Comparator comparator, const Value* a, const Value* b) {
  // An attribute that is not there equals nothing, not even another such attribute.
  const bool both = a != nullptr && b != nullptr;
  if (comparator == Comparator::kEqual) return both && equal(*a, *b);
  if (comparator == Comparator::kNotEqual) return !both || !equal(*a, *b);
  if (!both) return false;
  const auto order = compare(*a, *b);
  if (!order) return false;
  switch (comparator) {
    case Comparator::kLess: return *order < 0;
    case Comparator::kLessEqual: return *order <= 0;
    case Comparator::kGreater: return *order > 0;
    default: return *order >= 0;
  }
}

bool begins_with(const Value& value, const Value& prefix) {
  if (value.is_s() && prefix.is_s()) return value.s().starts_with(prefix.s());
  return value.is_b() && prefix.is_b() && value.b().starts_with(prefix.b());
}

bool leaf_holds(const Condition& condition, const Item& item) {
  const Found first_found = operand(condition.operands[0], item);
  const Value* const first = first_found.get();
  const auto other = [&](std::size_t index) { return operand(condition.operands[index], item); };
  switch (condition.kind) {
    case Condition::Kind::kExists: return first != nullptr;
    case Condition::Kind::kNotExists: return first == nullptr;
    case Condition::Kind::kCompare: return compares(condition.comparator, first, other(1).get());
    case Condition::Kind::kBetween:
      return compares(Comparator::kGreaterEqual, first, other(1).get()) &&
             compares(Comparator::kLessEqual, first, other(2).get());
    case Condition::Kind::kIn:
      for (std::size_t i = 1; i < condition.operands.size(); ++i) {
        if (compares(Comparator::kEqual, first, other(i).get())) return true;
      }
      return false;
    default: break;
  }
  const Found second_found = other(1);
  const Value* const second = second_found.get();
  if (first == nullptr || second == nullptr) return false;
  switch (condition.kind) {
    case Condition::Kind::kTypeIs: return second->is_s() && type_name(*first) == second->s();
    case Condition::Kind::kBeginsWith: return begins_with(*first, *second);
    case Condition::Kind::kContains: return contains(*first, *second);
    default: return false;
  }
}

using PathEnds = std::vector<std::pair<const Path*, std::size_t>>;  // a path and how far we are

std::optional<Value> cut(const Value& value, const PathEnds& ends) {
  for (const auto& [path, depth] : ends) {
    if (depth == path->size()) return value;
  }
  if (value.is_m()) {
    std::map<std::string, PathEnds> groups;
    for (const auto& [path, depth] : ends) {
      const Step& step = (*path)[depth];
      if (!step.is_index) groups[step.name].emplace_back(path, depth + 1);
    }
    std::map<std::string, Value> kept;
    for (const auto& [name, inner] : groups) {
      const auto found = value.m().find(name);
      if (found == value.m().end()) continue;
      if (auto part = cut(found->second, inner)) kept.emplace(name, *std::move(part));
    }
    if (kept.empty()) return std::nullopt;
    return Value::of_m(std::move(kept));
  }
  if (!value.is_l()) return std::nullopt;
  std::map<std::uint32_t, PathEnds> groups;
  for (const auto& [path, depth] : ends) {
    const Step& step = (*path)[depth];
    if (step.is_index) groups[step.index].emplace_back(path, depth + 1);
  }
  std::vector<Value> kept;
  for (const auto& [index, inner] : groups) {
    if (index >= value.l().size()) break;
    if (auto part = cut(value.l()[index], inner)) kept.push_back(*std::move(part));
  }
  if (kept.empty()) return std::nullopt;
  return Value::of_l(std::move(kept));
}

}  // namespace

const Value* find(const Item& item, const Path& path) {
  const auto first = item.find(path.front().name);
  if (first == item.end()) return nullptr;
  const Value* at = &first->second;
  for (std::size_t i = 1; i < path.size() && at != nullptr; ++i) at = child(*at, path[i]);
  return at;
}

bool holds(const Condition& condition, const Item& item) {
  const auto child_holds = [&](const Condition& child) { return holds(child, item); };
  switch (condition.kind) {
    case Condition::Kind::kAnd: return std::ranges::all_of(condition.children, child_holds);
    case Condition::Kind::kOr: return std::ranges::any_of(condition.children, child_holds);
    case Condition::Kind::kNot: return !holds(condition.children[0], item);
    default: return leaf_holds(condition, item);
  }
}

Item project(const Item& item, const Projection& paths) {
  std::map<std::string_view, PathEnds> groups;
  for (const Path& path : paths) groups[path.front().name].emplace_back(&path, 1);
  Item kept;
  for (const auto& [name, ends] : groups) {
    const auto found = item.find(std::string(name));
    if (found == item.end()) continue;
    if (auto part = cut(found->second, ends)) kept.emplace(name, *std::move(part));
  }
  return kept;
}

}  // namespace tables::expression

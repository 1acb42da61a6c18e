#include "tables/partiql/plan.h"

#include <algorithm>
#include <set>

#include "store/store.h"

namespace tables::partiql {

namespace {

using expression::Comparator;
using expression::Condition;
using expression::KeyTest;
using expression::Operand;
using expression::Operator;
using Kind = Condition::Kind;

constexpr const char* kOverlap =
    "Overlapping conditions with range keys are not supported in where clause";
constexpr const char* kTooMany = "Too many decomposed read operations for a given query.";

// One way to fulfil the condition.
struct Branch {
  std::vector<Value> hash;              // equalities of the hash key
  std::vector<KeyTest> range;           // what is asked of the range key
  bool negated = false;                 // something else is asked of the range key
  bool rest = false;                    // something is asked besides
  std::vector<std::string> attributes;  // of what is asked besides
};

// `name <op> value` out of a comparison, whichever side the name stands on.
struct KeyCompare {
  const std::string* name = nullptr;
  Comparator comparator = Comparator::kEqual;
  const Value* value = nullptr;
};

Comparator mirrored(Comparator comparator) {
  switch (comparator) {
    case Comparator::kLess: return Comparator::kGreater;
    case Comparator::kLessEqual: return Comparator::kGreaterEqual;
    case Comparator::kGreater: return Comparator::kLess;
    case Comparator::kGreaterEqual: return Comparator::kLessEqual;
    default: return comparator;
  }
}

bool is_name(const Operand& operand) {
  return operand.kind == Operand::Kind::kPath && operand.path.size() == 1;
}

KeyCompare key_compare(const Condition& condition) {
  if (condition.kind != Kind::kCompare) return {};
  const Operand& a = condition.operands[0];
  const Operand& b = condition.operands[1];
  if (is_name(a) && b.kind == Operand::Kind::kValue)
    return {&a.path.front().name, condition.comparator, &b.value};
  if (is_name(b) && a.kind == Operand::Kind::kValue)
    return {&b.path.front().name, mirrored(condition.comparator), &a.value};
  return {};
}

bool all_values(const Condition& condition) {
  return std::ranges::all_of(condition.operands.begin() + 1, condition.operands.end(),
                             [](const Operand& one) { return one.kind == Operand::Kind::kValue; });
}

std::optional<Operator> operator_of(Comparator comparator) {
  switch (comparator) {
    case Comparator::kEqual: return Operator::kEq;
    case Comparator::kLess: return Operator::kLt;
    case Comparator::kLessEqual: return Operator::kLe;
    case Comparator::kGreater: return Operator::kGt;
    case Comparator::kGreaterEqual: return Operator::kGe;
    default: return std::nullopt;
  }
}

class Planner {
 public:
  Planner(const KeySchema& schema, bool is_table) : schema_(schema), is_table_(is_table) {}

  // Every way names a partition.
  bool pins(const Condition& condition) const {
    const auto child_pins = [&](const Condition& child) { return pins(child); };
    if (condition.kind == Kind::kAnd) return std::ranges::any_of(condition.children, child_pins);
    if (condition.kind == Kind::kOr)
      return !condition.children.empty() && std::ranges::all_of(condition.children, child_pins);
    return !equalities(condition, schema_.hash).empty();
  }

  // At most kReadsMax + 1 of them: more are too many anyway.
  std::vector<Branch> branches(const Condition& condition) const {
    if (condition.kind == Kind::kAnd && !condition.children.empty()) {
      std::vector<Branch> all(1);
      for (const Condition& child : condition.children) {
        all = product(std::move(all), branches(child));
        if (all.size() > kReadsMax) break;
      }
      return all;
    }
    if (condition.kind == Kind::kOr && asks_of_keys(condition)) {
      std::vector<Branch> all;
      for (const Condition& child : condition.children) {
        for (Branch& one : branches(child)) {
          if (all.size() <= kReadsMax) all.push_back(std::move(one));
        }
      }
      return all;
    }
    return leaf(condition);
  }

  std::expected<std::optional<Stretch>, Refused> stretch(const Branch& branch) const {
    for (const Value& one : branch.hash) {
      if (auto wrong = wrong_value(schema_.hash, one)) return std::unexpected(*std::move(wrong));
    }
    for (const KeyTest& test : branch.range) {
      for (const Value& one : test.values) {
        if (auto wrong = wrong_value(*schema_.range, one))
          return std::unexpected(*std::move(wrong));
      }
    }
    const bool conflict = std::ranges::any_of(
        branch.hash, [&](const Value& one) { return !equal(one, branch.hash.front()); });
    if (conflict) return std::nullopt;
    expression::KeyTests tests;
    tests[schema_.hash.name] = {.op = Operator::kEq, .values = {branch.hash.front()}};
    Stretch made{.keys = key_range(schema_, tests), .hash = branch.hash.front()};
    Item key = {{schema_.hash.name, made.hash}};
    if (is_table_ && !schema_.range) made.key = key;
    for (const KeyTest& test : branch.range) {
      tests[schema_.range->name] = test;
      const KeyRange narrow = key_range(schema_, tests);
      made.keys.from = std::max(made.keys.from, narrow.from);
      made.keys.to = std::min(made.keys.to, narrow.to);
      if (!is_table_ || test.op != Operator::kEq) continue;
      key[schema_.range->name] = test.values.front();
      made.key = key;
    }
    if (made.keys.from >= made.keys.to) return std::nullopt;
    return made;
  }

 private:
  // The values that an equality or IN names for the attribute.
  static std::vector<Value> equalities(const Condition& condition, const KeyAttribute& attribute) {
    const KeyCompare compare = key_compare(condition);
    if (compare.name != nullptr && *compare.name == attribute.name &&
        compare.comparator == Comparator::kEqual)
      return {*compare.value};
    std::vector<Value> values;
    if (condition.kind != Kind::kIn || !is_name(condition.operands[0]) ||
        condition.operands[0].path.front().name != attribute.name || !all_values(condition))
      return values;
    for (std::size_t i = 1; i < condition.operands.size(); ++i)
      values.push_back(condition.operands[i].value);
    return values;
  }

  // Something other than an equality that a stretch of keys can say.
  std::optional<KeyTest> range_test(const Condition& condition) const {
    if (!schema_.range) return std::nullopt;
    const std::string& name = schema_.range->name;
    const KeyCompare compare = key_compare(condition);
    const auto fits = [&](const Value& value) { return value.member() == schema_.range->type; };
    if (compare.name != nullptr) {
      const auto op = operator_of(compare.comparator);
      if (*compare.name != name || !op || !fits(*compare.value)) return std::nullopt;
      return KeyTest{.op = *op, .values = {*compare.value}};
    }
    const bool between = condition.kind == Kind::kBetween;
    if (!between && condition.kind != Kind::kBeginsWith) return std::nullopt;
    const auto& operands = condition.operands;
    if (!is_name(operands[0]) || operands[0].path.front().name != name || !all_values(condition))
      return std::nullopt;
    KeyTest test{.op = between ? Operator::kBetween : Operator::kBeginsWith, .values = {}};
    for (std::size_t i = 1; i < operands.size(); ++i) {
      if (!fits(operands[i].value)) return std::nullopt;
      test.values.push_back(operands[i].value);
    }
    if (!between && test.values[0].is_n()) return std::nullopt;
    return test;
  }

  // Whether splitting an OR helps: some part of it is about keys.
  bool asks_of_keys(const Condition& condition) const {
    if (condition.kind == Kind::kAnd || condition.kind == Kind::kOr)
      return std::ranges::any_of(condition.children,
                                 [&](const Condition& child) { return asks_of_keys(child); });
    if (!equalities(condition, schema_.hash).empty() || range_test(condition)) return true;
    return schema_.range && !equalities(condition, *schema_.range).empty();
  }

  std::vector<Branch> leaf(const Condition& condition) const {
    std::vector<Branch> made;
    for (Value& one : equalities(condition, schema_.hash))
      made.push_back({.hash = {std::move(one)}});
    if (!made.empty()) return made;
    if (schema_.range) {
      for (Value& one : equalities(condition, *schema_.range))
        made.push_back({.range = {{.op = Operator::kEq, .values = {std::move(one)}}}});
      if (!made.empty()) return made;
      if (auto test = range_test(condition)) return {Branch{.range = {*std::move(test)}}};
    }
    Branch other{.rest = true};
    std::vector<const expression::Path*> paths;
    collect_paths(condition, paths);
    for (const auto* path : paths) {
      other.attributes.push_back(path->front().name);
      other.negated = other.negated || (schema_.range && path->front().name == schema_.range->name);
    }
    return {std::move(other)};
  }

  static void add(Branch& branch, const Branch& more) {
    branch.hash.insert(branch.hash.end(), more.hash.begin(), more.hash.end());
    branch.range.insert(branch.range.end(), more.range.begin(), more.range.end());
    branch.attributes.insert(branch.attributes.end(), more.attributes.begin(),
                             more.attributes.end());
    branch.negated = branch.negated || more.negated;
    branch.rest = branch.rest || more.rest;
  }

  static std::vector<Branch> product(std::vector<Branch> left, const std::vector<Branch>& right) {
    if (right.size() == 1) {
      for (Branch& one : left) add(one, right.front());
      return left;
    }
    std::vector<Branch> all;
    for (const Branch& a : left) {
      for (const Branch& b : right) {
        if (all.size() > kReadsMax) return all;
        all.push_back(a);
        add(all.back(), b);
      }
    }
    return all;
  }

  static std::optional<Refused> wrong_value(const KeyAttribute& attribute, const Value& value) {
    if (value.member() != attribute.type)
      return Refused{
          "Key attribute's data type should match its data type in table's schema: Key " +
              attribute.name,
          true};
    if (value.is_n() || !(value.is_s() ? value.s() : value.b()).empty()) return std::nullopt;
    return Refused{
        std::string("One or more parameter values are not valid. The AttributeValue for a key "
                    "attribute cannot contain an empty ") +
        (value.is_s() ? "string" : "binary") + " value. Key: " + attribute.name};
  }

  const KeySchema& schema_;
  const bool is_table_;
};

// The order in which AWS lists names: that of a hash table over Java's hash of strings.
std::vector<std::string> listed(const std::vector<std::string>& names) {
  std::vector<std::string> distinct;
  for (const std::string& name : names) {
    if (std::ranges::find(distinct, name) == distinct.end()) distinct.push_back(name);
  }
  std::uint32_t buckets = 16;
  while (distinct.size() * 4 > std::size_t{buckets} * 3) buckets *= 2;
  std::vector<std::pair<std::uint32_t, std::size_t>> places;  // bucket, then as they came
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    std::uint32_t hash = 0;
    for (const char c : distinct[i]) hash = hash * 31 + static_cast<unsigned char>(c);
    places.emplace_back((hash ^ (hash >> 16U)) & (buckets - 1), i);
  }
  std::ranges::sort(places);
  std::vector<std::string> made;
  for (const auto& [bucket, i] : places) made.push_back(distinct[i]);
  return made;
}

// Refused only where every way asks for such an attribute.
std::vector<std::string> absent_attributes(const Definition& definition, const Index& index,
                                           const std::vector<Branch>& branches) {
  std::vector<std::string> last;
  for (const Branch& branch : branches) {
    last.clear();
    for (const std::string& name : branch.attributes) {
      if (!index.projects(definition.keys, name)) last.push_back(name);
    }
    if (last.empty()) return {};
  }
  return listed(last);
}

struct Placed {
  Stretch stretch;
  bool negated = false;
};

// Sorts, refuses what overlaps, and makes one of overlapping stretches where AWS does not refuse.
std::expected<std::vector<Stretch>, Refused> without_overlaps(std::vector<Placed> placed) {
  std::ranges::sort(placed, {},
                    [](const Placed& one) -> const std::string& { return one.stretch.keys.from; });
  std::vector<Placed> kept;
  for (Placed& one : placed) {
    if (kept.empty() || kept.back().stretch.keys.to <= one.stretch.keys.from) {
      kept.push_back(std::move(one));
      continue;
    }
    Placed& before = kept.back();
    if (!one.negated && !before.negated) return std::unexpected(Refused{kOverlap});
    before.stretch.keys.to = std::max(before.stretch.keys.to, one.stretch.keys.to);
    before.stretch.key.reset();
  }
  std::vector<Stretch> made;
  for (Placed& one : kept) made.push_back(std::move(one.stretch));
  return made;
}

// Partitions in the order of the statement, or as ORDER BY has it.
void put_in_order(const KeySchema& schema, const Statement& statement,
                  const std::vector<Branch>& branches, ReadPlan& plan) {
  std::optional<bool> descending;  // of partitions
  for (const OrderTerm& term : statement.order) {
    if (term.attribute == schema.hash.name) descending = term.descending;
    else plan.forward = !term.descending;
  }
  // AWS reads backwards where only the hash key is named.
  if (statement.order.size() == 1 && descending) plan.forward = false;
  std::vector<Value> seen;
  for (const Branch& branch : branches) {
    if (!branch.hash.empty()) seen.push_back(branch.hash.front());
  }
  const auto rank = [&](const Value& hash) {
    return std::ranges::find_if(seen, [&](const Value& one) { return equal(one, hash); }) -
           seen.begin();
  };
  std::ranges::sort(plan.stretches, [&](const Stretch& a, const Stretch& b) {
    const auto order = compare(a.hash, b.hash).value_or(std::strong_ordering::equal);
    if (order == 0) return plan.forward ? a.keys.from < b.keys.from : a.keys.from > b.keys.from;
    if (descending) return *descending ? order > 0 : order < 0;
    return rank(a.hash) < rank(b.hash);
  });
}

std::optional<Refused> wrong_order(const KeySchema& schema, const Statement& statement,
                                   bool keyed) {
  if (statement.order.empty()) return std::nullopt;
  if (!statement.where)
    return Refused{"Must have WHERE clause in the statement when using ORDER BY clause."};
  for (const OrderTerm& term : statement.order) {
    if (!schema.has(term.attribute))
      return Refused{"Attribute " + term.attribute +
                     " in ORDER BY clause must be part of the primary key"};
  }
  if (keyed) return std::nullopt;
  return Refused{
      "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY "
      "clause."};
}

std::optional<Refused> wrong_order_of_many(const KeySchema& schema, const Statement& statement,
                                           const ReadPlan& plan) {
  const bool many = std::ranges::any_of(plan.stretches, [&](const Stretch& one) {
    return !equal(one.hash, plan.stretches.front().hash);
  });
  const bool by_hash = std::ranges::any_of(
      statement.order, [&](const OrderTerm& term) { return term.attribute == schema.hash.name; });
  if (statement.order.empty() || !many || by_hash) return std::nullopt;
  return Refused{
      "Must have hash key in ORDER BY clause when more than one hash key condition specified in "
      "WHERE clause."};
}

// Everything that is asked at once, through ANDs.
void flatten(const Condition& condition, std::vector<const Condition*>& into) {
  if (condition.kind != Kind::kAnd || condition.children.empty()) {
    into.push_back(&condition);
    return;
  }
  for (const Condition& child : condition.children) flatten(child, into);
}

}  // namespace

std::expected<ReadPlan, Refused> plan_read(const Definition& definition, const Index* index,
                                           const Statement& statement) {
  const KeySchema& schema = index != nullptr ? index->keys : definition.keys;
  if (schema.is_composite())
    return std::unexpected(Refused{
        "PartiQL does not support indexes with keys of several attributes: " + index->name});
  const Planner planner(schema, index == nullptr);
  ReadPlan plan{.keyed = statement.where && planner.pins(*statement.where)};
  if (auto wrong = wrong_order(schema, statement, plan.keyed))
    return std::unexpected(*std::move(wrong));
  if (!plan.keyed) {
    plan.only_keys = !statement.where;
    return plan;
  }
  const std::vector<Branch> branches = planner.branches(*statement.where);
  if (branches.size() > kReadsMax) return std::unexpected(Refused{kTooMany});
  std::vector<Placed> placed;
  for (const Branch& branch : branches) {
    auto stretch = planner.stretch(branch);
    if (!stretch) return std::unexpected(std::move(stretch).error());
    plan.only_keys = plan.only_keys && !branch.rest;
    if (*stretch) placed.push_back({**std::move(stretch), branch.negated});
    else plan.only_keys = false;
  }
  auto stretches = without_overlaps(std::move(placed));
  if (!stretches) return std::unexpected(std::move(stretches).error());
  plan.stretches = *std::move(stretches);
  put_in_order(schema, statement, branches, plan);
  if (auto wrong = wrong_order_of_many(schema, statement, plan))
    return std::unexpected(*std::move(wrong));
  if (index != nullptr) plan.absent = absent_attributes(definition, *index, branches);
  return plan;
}

std::optional<OneItem> item_of(const Definition& definition, const Statement& statement) {
  if (!statement.where) return std::nullopt;
  std::vector<const Condition*> parts;
  flatten(*statement.where, parts);
  OneItem made;
  Condition rest;
  for (const Condition* part : parts) {
    const KeyCompare compare = key_compare(*part);
    const bool names_key = compare.name != nullptr && compare.comparator == Comparator::kEqual &&
                           definition.keys.has(*compare.name);
    if (!names_key) {
      rest.children.push_back(*part);
      continue;
    }
    const auto [there, added] = made.key.emplace(*compare.name, *compare.value);
    if (added || equal(there->second, *compare.value)) continue;
    if (!made.conflict) made.conflict = *compare.name;
    rest.children.push_back(*part);
  }
  if (made.key.size() != definition.keys.size()) return std::nullopt;
  if (!rest.children.empty()) made.condition = std::move(rest);
  return made;
}

}  // namespace tables::partiql

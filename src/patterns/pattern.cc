#include "patterns/pattern.h"

#include <algorithm>
#include <map>
#include <span>

#include "patterns/condition.h"

namespace patterns {

namespace json = boost::json;

struct Event::Body {
  json::value root = json::object();
};

// The conditions on one value: one of them has to hold.
struct Leaf {
  std::vector<std::string> path;  // from the event's root
  std::vector<Condition> any_of;
};

// The conditions on an object: all leaves, all objects, and one alternative of each choice.
struct Pattern::Object {
  std::map<std::string, Leaf, std::less<>> leaves;
  std::map<std::string, Object, std::less<>> objects;
  std::vector<std::vector<Object>> choices;
};

namespace {

using Object = Pattern::Object;

auto bad(std::string reason) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(reason));
}

json::parse_options options() {
  json::parse_options made;
  made.max_depth = kDepthMax;
  return made;
}

// --- parsing ------------------------------------------------------------------------------------

base::Result<Object> parse_object(const json::object& from, std::vector<std::string>& path);

base::Result<Leaf> parse_leaf(const json::array& from, const std::vector<std::string>& path) {
  if (from.empty()) return bad("Empty arrays are not allowed");
  Leaf leaf{.path = path, .any_of = {}};
  for (const json::value& each : from) {
    ASSIGN_OR_RETURN(Condition condition, parse_condition(each));
    leaf.any_of.push_back(std::move(condition));
  }
  return leaf;
}

base::Result<std::vector<Object>> parse_choice(const json::value& from,
                                               std::vector<std::string>& path) {
  const json::array* const list = from.if_array();
  if (list == nullptr) return bad("It must be an Array followed with $or.");
  if (list->size() < 2) return bad("There must have at least 2 Objects in $or relationship.");
  std::vector<Object> alternatives;
  for (const json::value& each : *list) {
    const json::object* const object = each.if_object();
    if (object == nullptr) return bad("Only JSON object is allowed in array of $or relationship.");
    ASSIGN_OR_RETURN(Object alternative, parse_object(*object, path));
    alternatives.push_back(std::move(alternative));
  }
  return alternatives;
}

base::Result<Object> parse_object(const json::object& from, std::vector<std::string>& path) {
  if (from.empty()) return bad("Empty objects are not allowed");
  Object made;
  for (const auto& [name, value] : from) {
    if (name == "$or") {
      ASSIGN_OR_RETURN(auto choice, parse_choice(value, path));
      made.choices.push_back(std::move(choice));
      continue;
    }
    path.emplace_back(name);
    if (const json::array* const list = value.if_array()) {
      ASSIGN_OR_RETURN(Leaf leaf, parse_leaf(*list, path));
      made.leaves.emplace(name, std::move(leaf));
    } else if (const json::object* const inner = value.if_object()) {
      ASSIGN_OR_RETURN(Object object, parse_object(*inner, path));
      made.objects.emplace(name, std::move(object));
    } else {
      return bad('"' + std::string(name) + "\" must be an object or an array");
    }
    path.pop_back();
  }
  return made;
}

// --- matching -----------------------------------------------------------------------------------

// Some value stands at `path` below `value`, in whichever element of the lists on the way.
bool present(const json::value& value, std::span<const std::string> path) {
  if (const json::array* const list = value.if_array())
    return std::ranges::any_of(*list, [&](const json::value& v) { return present(v, path); });
  const json::object* const object = value.if_object();
  if (object == nullptr || path.empty()) return object == nullptr && path.empty();
  const json::value* const inner = object->if_contains(path.front());
  return inner != nullptr && present(*inner, path.subspan(1));
}

bool leaf_holds(const Leaf& leaf, const json::value* value) {
  if (value == nullptr || value->is_object()) return false;
  if (const json::array* const list = value->if_array())
    return std::ranges::any_of(*list, [&](const json::value& v) { return leaf_holds(leaf, &v); });
  return std::ranges::any_of(leaf.any_of, [&](const Condition& c) { return c.holds(*value); });
}

bool leaf_matches(const Leaf& leaf, const json::value* value, const json::value& root) {
  if (leaf_holds(leaf, value)) return true;
  const bool may_be_absent = std::ranges::any_of(
      leaf.any_of, [](const Condition& c) { return c.kind == Condition::Kind::kAbsent; });
  return may_be_absent && !present(root, leaf.path);
}

// `value` is nullptr where the event has nothing.
bool object_matches(const Object& pattern, const json::value* value, const json::value& root) {
  if (const json::array* const list = value != nullptr ? value->if_array() : nullptr) {
    const auto matches = [&](const json::value& v) { return object_matches(pattern, &v, root); };
    if (!list->empty()) return std::ranges::any_of(*list, matches);
  }
  const json::object* const object = value != nullptr ? value->if_object() : nullptr;
  const auto member = [&](const std::string& name) {
    return object != nullptr ? object->if_contains(name) : nullptr;
  };
  for (const auto& [name, leaf] : pattern.leaves)
    if (!leaf_matches(leaf, member(name), root)) return false;
  for (const auto& [name, inner] : pattern.objects)
    if (!object_matches(inner, member(name), root)) return false;
  return std::ranges::all_of(pattern.choices, [&](const std::vector<Object>& alternatives) {
    return std::ranges::any_of(alternatives,
                               [&](const Object& one) { return object_matches(one, value, root); });
  });
}

template <class Says>
bool somewhere(const Object& pattern, const Says& says) {
  if (says(pattern)) return true;
  return std::ranges::any_of(pattern.choices, [&](const std::vector<Object>& alternatives) {
    return std::ranges::any_of(alternatives,
                               [&](const Object& one) { return somewhere(one, says); });
  });
}

}  // namespace

Event::Event() : body_(std::make_unique<Body>()) {}
Event::Event(Event&& other) noexcept = default;
Event& Event::operator=(Event&& other) noexcept = default;
Event::~Event() = default;

void Event::set(std::string_view member, std::string_view text) {
  body_->root.get_object()[member] = json::string(text);
}
void Event::set(std::string_view member, double number) {
  body_->root.get_object()[member] = number;
}

bool Event::set_json(std::string_view member, std::string_view text) {
  boost::system::error_code failure;
  json::value value = json::parse(text, failure, {}, options());
  if (failure) return false;
  body_->root.get_object()[member] = std::move(value);
  return true;
}

base::Result<Pattern> Pattern::parse(std::string_view text) {
  if (text.size() > kPatternBytesMax) return bad("The pattern is longer than 4096 characters");
  boost::system::error_code failure;
  const json::value from = json::parse(text, failure, {}, options());
  if (failure) return bad("Not JSON: " + failure.message());
  const json::object* const object = from.if_object();
  if (object == nullptr) return bad("Filter is not an object");
  std::vector<std::string> path;
  ASSIGN_OR_RETURN(Object root, parse_object(*object, path));
  return Pattern(std::make_shared<const Object>(std::move(root)));
}

bool Pattern::matches(const Event& event) const {
  const json::value& root = event.body_->root;
  return object_matches(*root_, &root, root);
}

bool Pattern::asks_for(std::string_view member) const {
  return somewhere(*root_, [&](const Object& one) {
    return one.leaves.contains(member) || one.objects.contains(member);
  });
}

bool Pattern::compares(std::string_view member) const {
  return somewhere(*root_, [&](const Object& one) { return one.leaves.contains(member); });
}

}  // namespace patterns

#include "wire/validate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "wire/dynamo_front.h"
#include "wire/java_order.h"
#include "wire/scalars.h"

// What AWS says, and in which order:
// - "1 validation error detected: A" or "N validation errors detected: A; B", ten at most.
// - A is "Value 'v' at 'path' failed to satisfy constraint: C"; a missing value is "Value null".
// - Paths have small first letters; elements are "records.1.member", map values "tags.key.member".
// - Of one value: the pattern, then the least length, then the greatest; an enumeration; a range.
// - Elements, map keys and map values that are scalars (or lists, in maps) are not listed one by
//   one: the whole list or map is shown, with every limit of the element (all_limits()).
// - Members stand in the order of Java's hash tables (java_order.h).
// - Texts are measured in UTF-16 units, as Java does.

namespace wire {
namespace {

using api::Kind;
using api::Shape;

struct Rules {
  bool java7 = false;             // old services: order of members, and no "not null" for elements
  std::string_view package = {};  // old services show structures as package.Name@hash
  std::string_view code = "ValidationException";
};

Rules rules_of(const api::Service& service) {
  if (service.signing_name == "dynamodb")
    return {.java7 = true, .package = "com.amazonaws.dynamodb.v20120810."};
  if (service.name == "kinesis")
    return {.java7 = true, .package = "com.amazonaws.kinesis.v20131202."};
  if (service.name == "logs") return {.code = "InvalidParameterException"};
  if (service.protocol == api::Protocol::kQuery) return {.code = "ValidationError"};
  return {};
}

std::int64_t utf16_length(std::string_view text) {
  std::int64_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

// Items have limits of their own, which DynamoDB words itself.
bool is_item_value(const Shape& shape) {
  return shape.kind == Kind::kUnion && shape.name == "AttributeValue";
}

const std::string& text_of(const void* value) { return *static_cast<const std::string*>(value); }

// How Java prints a value.
class Printer {
 public:
  explicit Printer(const Rules& rules) : rules_(rules) {}

  std::string print(const Shape& shape, const void* value) const {
    if (value == nullptr) return "null";
    switch (shape.kind) {
      case Kind::kBlob:
        return fmt::format("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", text_of(value).size());
      case Kind::kList: return print_list(shape, value);
      case Kind::kMap: return print_map(shape, value);
      case Kind::kStructure:
      case Kind::kUnion: return print_structure(shape, value);
      default: return scalar_text(shape, value, api::TimeFormat::kProtocol);
    }
  }

 private:
  std::string print_list(const Shape& shape, const void* list) const {
    std::string out = "[";
    for (std::size_t i = 0; i < shape.list->size(list); ++i) {
      if (i > 0) out += ", ";
      out += print(*shape.element, shape.list->at(list, i));
    }
    return out + "]";
  }

  std::string print_map(const Shape& shape, const void* map) const {
    struct Walk {
      const Printer& printer;
      const Shape& element;
      std::string out;
    };
    Walk walk{*this, *shape.element, "{"};
    shape.map->for_each(map, &walk, [](void* context, const std::string& key, const void* value) {
      auto& w = *static_cast<Walk*>(context);
      if (w.out.size() > 1) w.out += ", ";
      w.out += key + "=" + w.printer.print(w.element, value);
    });
    return walk.out + "}";
  }

  std::string print_structure(const Shape& shape, const void* object) const {
    // The digits are a hash of the contents that nobody can use.
    if (!rules_.package.empty()) return fmt::format("{}{}@c965e310", rules_.package, shape.name);
    std::string out(shape.name);
    out += '(';
    for (const api::Member& member : shape.members) {
      if (out.back() != '(') out += ", ";
      out += lower_first(member.name) + "=" + print(*member.shape, member.find(object));
    }
    return out + ")";
  }

  const Rules& rules_;
};

std::string bound_text(const Shape& shape, std::int64_t bound) {
  const bool real = shape.kind == Kind::kDouble || shape.kind == Kind::kFloat;
  return fmt::format("{}{}", bound, real ? ".0" : "");
}

bool is_number(Kind kind) {
  return kind == Kind::kInteger || kind == Kind::kLong || kind == Kind::kFloat ||
         kind == Kind::kDouble;
}

std::string at_least(const Shape& shape) {
  return fmt::format("Member must have {} greater than or equal to {}",
                     is_number(shape.kind) ? "value" : "length", bound_text(shape, shape.min));
}
std::string at_most(const Shape& shape) {
  return fmt::format("Member must have {} less than or equal to {}",
                     is_number(shape.kind) ? "value" : "length", bound_text(shape, shape.max));
}
std::string of_pattern(const Shape& shape) {
  return fmt::format("Member must satisfy regular expression pattern: {}", shape.pattern);
}
std::string of_enum(const Shape& shape) {
  return fmt::format("Member must satisfy enum value set: [{}]",
                     fmt::join(enum_order(shape.enum_values), ", "));
}

constexpr std::string_view kCreateTable = "CreateTableInput";
constexpr Shape kTableName{
    .name = "TableName", .kind = Kind::kString, .min = 3, .max = 255, .pattern = "[a-zA-Z0-9_.-]+"};

class Checker {
 public:
  Checker(const Rules& rules, bool collect) : rules_(rules), collect_(collect) {}

  // Without `collect`: stops at the first violation and words nothing.
  bool found() const { return found_; }
  std::vector<std::string>& texts() { return texts_; }

  void check_structure(const Shape& shape, const void* object, const std::string& path) {
    if (is_item_value(shape)) return;
    const bool names_table = shape.name == kCreateTable;
    if (!collect_) {
      for (const api::Member& member : shape.members)
        check_member(member, object, path, names_table);
      return;
    }
    for (const api::Member* member : member_order(shape.members, rules_.java7))
      check_member(*member, object, path, names_table);
  }

 private:
  bool full() const { return collect_ ? texts_.size() == kViolationsMax : found_; }

  // `constraint` is a function, so that the good case makes no text.
  template <class Constraint>
  void report(const Shape& shape, const void* value, const std::string& path,
              Constraint constraint) {
    found_ = true;
    if (!collect_ || full()) return;
    std::string shown = Printer(rules_).print(shape, value);
    if (value != nullptr) shown = "'" + shown + "'";
    texts_.push_back(fmt::format("Value {} at '{}' failed to satisfy constraint: {}", shown, path,
                                 constraint()));
  }

  void check_member(const api::Member& member, const void* object, const std::string& path,
                    bool names_table) {
    if (full()) return;
    const void* const value = member.find(object);
    if (value == nullptr && !member.required) return;
    std::string here;
    if (collect_)
      here = path.empty() ? lower_first(member.name) : path + "." + lower_first(member.name);
    if (value == nullptr) {
      report(*member.shape, nullptr, here, [] { return "Member must not be null"; });
      return;
    }
    // CreateTable's is a name, although the model takes an ARN there as elsewhere.
    const bool is_name = names_table && member.name == "TableName";
    check_value(is_name ? kTableName : *member.shape, value, here);
  }

  void check_value(const Shape& shape, const void* value, const std::string& path) {
    if (full()) return;
    check_limits(shape, value, path);
    if (shape.kind == Kind::kList) check_list(shape, value, path);
    if (shape.kind == Kind::kMap) check_map(shape, value, path);
    if (shape.kind == Kind::kStructure || shape.kind == Kind::kUnion)
      check_structure(shape, value, path);
  }

  // The value's own limits, without its elements.
  void check_limits(const Shape& shape, const void* value, const std::string& path) {
    if (breaks_pattern(shape, value)) report(shape, value, path, [&] { return of_pattern(shape); });
    if (breaks_enum(shape, value)) report(shape, value, path, [&] { return of_enum(shape); });
    if (below(shape, value)) report(shape, value, path, [&] { return at_least(shape); });
    if (above(shape, value)) report(shape, value, path, [&] { return at_most(shape); });
  }

  bool breaks_limits(const Shape& shape, const void* value) const {
    return below(shape, value) || above(shape, value) || breaks_pattern(shape, value) ||
           breaks_enum(shape, value);
  }

  bool breaks_pattern(const Shape& shape, const void* value) const {
    if (shape.pattern.empty() || shape.kind != Kind::kString) return false;
    return !matches_pattern(shape.pattern, text_of(value)).value_or(true);
  }

  static bool breaks_enum(const Shape& shape, const void* value) {
    if (shape.enum_values.empty() || shape.kind != Kind::kString) return false;
    for (const std::string_view allowed : shape.enum_values)
      if (allowed == text_of(value)) return false;
    return true;
  }

  static std::int64_t measure(const Shape& shape, const void* value) {
    switch (shape.kind) {
      case Kind::kInteger: return *static_cast<const std::int32_t*>(value);
      case Kind::kLong: return *static_cast<const std::int64_t*>(value);
      case Kind::kString: return utf16_length(text_of(value));
      case Kind::kBlob: return static_cast<std::int64_t>(text_of(value).size());
      case Kind::kList: return static_cast<std::int64_t>(shape.list->size(value));
      case Kind::kMap: return static_cast<std::int64_t>(shape.map->size(value));
      default: return 0;
    }
  }
  static bool is_limited(const Shape& shape) {
    return shape.kind != Kind::kBoolean && shape.kind != Kind::kTimestamp &&
           shape.kind != Kind::kStructure && shape.kind != Kind::kUnion;
  }
  static bool is_real(const Shape& shape) {
    return shape.kind == Kind::kDouble || shape.kind == Kind::kFloat;
  }
  // A text has at most as many UTF-16 units as bytes, and at least a third of that.
  static bool is_surely_within(const Shape& shape, const void* value) {
    if (shape.kind != Kind::kString) return false;
    const auto bytes = static_cast<std::int64_t>(text_of(value).size());
    return (shape.min == api::kNoMin || bytes >= 3 * shape.min) &&
           (shape.max == api::kNoMax || bytes <= shape.max);
  }
  static bool below(const Shape& shape, const void* value) {
    if (shape.min == api::kNoMin || !is_limited(shape)) return false;
    if (is_surely_within(shape, value)) return false;
    if (is_real(shape)) return *static_cast<const double*>(value) < static_cast<double>(shape.min);
    return measure(shape, value) < shape.min;
  }
  static bool above(const Shape& shape, const void* value) {
    if (shape.max == api::kNoMax || !is_limited(shape)) return false;
    if (is_surely_within(shape, value)) return false;
    if (is_real(shape)) return *static_cast<const double*>(value) > static_cast<double>(shape.max);
    return measure(shape, value) > shape.max;
  }

  // "[Member must have length less than or equal to 128, ...]": every limit of an element.
  std::string all_limits(const Shape& shape, bool key) const {
    std::vector<std::string> limits;
    if (shape.max != api::kNoMax && is_limited(shape)) limits.push_back(at_most(shape));
    if (shape.min != api::kNoMin && is_limited(shape)) limits.push_back(at_least(shape));
    if (!shape.pattern.empty()) limits.push_back(of_pattern(shape));
    if (!shape.enum_values.empty()) limits.push_back(of_enum(shape));
    if (!key && !rules_.java7) limits.emplace_back("Member must not be null");
    return fmt::format("[{}]", fmt::join(limits, ", "));
  }

  void check_list(const Shape& shape, const void* list, const std::string& path) {
    const Shape& element = *shape.element;
    const std::size_t size = shape.list->size(list);
    for (std::size_t i = 0; i < size && !full(); ++i) {
      const void* const value = shape.list->at(list, i);
      if (!is_scalar(element.kind)) {
        check_value(element, value, collect_ ? fmt::format("{}.{}.member", path, i + 1) : "");
      } else if (breaks_limits(element, value)) {
        report(shape, list, path,
               [&] { return "Member must satisfy constraint: " + all_limits(element, false); });
        return;
      }
    }
  }

  void check_map(const Shape& shape, const void* map, const std::string& path) {
    struct Walk {
      Checker& checker;
      const Shape& shape;
      const std::string& path;
      bool bad_key = false;
      bool bad_value = false;
    };
    if (shape.map->is_packed != nullptr && shape.map->is_packed(map)) return;
    Walk walk{*this, shape, path};
    shape.map->for_each(map, &walk, [](void* context, const std::string& key, const void* value) {
      auto& w = *static_cast<Walk*>(context);
      w.bad_key |= w.checker.breaks_limits(*w.shape.key, &key);
      w.bad_value |= w.checker.breaks_limits(*w.shape.element, value);
    });
    if (walk.bad_key)
      report(shape, map, path,
             [&] { return "Map keys must satisfy constraint: " + all_limits(*shape.key, true); });
    if (walk.bad_value)
      report(shape, map, path, [&] {
        return "Map value must satisfy constraint: " + all_limits(*shape.element, false);
      });
    if (is_scalar(shape.element->kind) || is_item_value(*shape.element)) return;
    shape.map->for_each(map, &walk, [](void* context, const std::string& key, const void* value) {
      auto& w = *static_cast<Walk*>(context);
      w.checker.check_inside(*w.shape.element, value,
                             w.checker.collect_ ? w.path + "." + key + ".member" : "");
    });
  }

  // What lies below a map's value; the value's own limits were the map's business.
  void check_inside(const Shape& shape, const void* value, const std::string& path) {
    if (full()) return;
    if (shape.kind == Kind::kList) check_list(shape, value, path);
    else if (shape.kind == Kind::kMap) check_map(shape, value, path);
    else check_structure(shape, value, path);
  }

  const Rules& rules_;
  bool collect_;
  bool found_ = false;
  std::vector<std::string> texts_;
};

}  // namespace

std::optional<api::Error> validate(const Shape& shape, const void* object,
                                   const api::Service& service) {
  if (service.protocol == api::Protocol::kRestXml) return std::nullopt;
  const Rules rules = rules_of(service);
  Checker quick(rules, false);
  quick.check_structure(shape, object, {});
  if (!quick.found()) return std::nullopt;
  if (service.signing_name == "dynamodb")
    if (auto missing = missing_in_dynamo(shape, object)) return missing;

  Checker thorough(rules, true);
  thorough.check_structure(shape, object, {});
  const std::vector<std::string>& texts = thorough.texts();
  return api::Error{.code = std::string(rules.code),
                    .status = 400,
                    .message = fmt::format("{} validation error{} detected: {}", texts.size(),
                                           texts.size() == 1 ? "" : "s", fmt::join(texts, "; "))};
}

}  // namespace wire

#include "stacks/resolve.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/encoding.h"
#include "stacks/cidr.h"
#include "stacks/references.h"

namespace stacks {

namespace {

std::unexpected<base::Error> invalid(std::string message) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(message));
}
std::unexpected<base::Error> template_error(std::string_view message) {
  return invalid(fmt::format("Template error: {}", message));
}

const Value* first_unknown(const Value& value) {
  if (value.is_unknown()) return &value;
  for (const Value& item : value.items())
    if (const Value* found = first_unknown(item)) return found;
  return nullptr;
}

class Resolver {
 public:
  explicit Resolver(const Scope& scope) : scope_(scope) {}

  base::Result<Value> resolve(const Value& value) {
    if (value.is_object()) {
      const std::string_view function = function_name(value);
      if (!function.empty() && function != "Condition") {
        ASSIGN_OR_RETURN(Value result, call(function, value.items()[0]));
        RETURN_IF_ERROR(spend(result));
        return result;
      }
      return resolve_object(value);
    }
    if (value.is_list()) {
      Value list = Value::list();
      for (const Value& item : value.items()) {
        ASSIGN_OR_RETURN(Value resolved, resolve(item));
        if (!resolved.is_no_value()) list.push(std::move(resolved));
      }
      return list;
    }
    return value;
  }

  base::Result<bool> condition(const std::string& name) {
    if (const auto known = scope_.conditions.find(name); known != scope_.conditions.end())
      return known->second;
    if (const auto known = found_.find(name); known != found_.end()) return known->second;
    const Value* expression = scope_.source->conditions.find(name);
    if (expression == nullptr)
      return invalid(fmt::format(
          "Template format error: Unresolved condition dependency {} in the Conditions block of "
          "the template",
          name));
    if (!evaluating_.insert(name).second)
      return invalid(fmt::format(
          "Template format error: Found circular condition dependency between conditions [{}]",
          fmt::join(evaluating_, ", ")));
    const auto result = truth(*expression);
    evaluating_.erase(name);
    if (result) found_[name] = *result;
    return result;
  }

  // An expression of the Conditions block.
  base::Result<bool> truth(const Value& expression) {
    const std::string_view function = function_name(expression);
    if (function.empty()) return invalid("Template format error: Conditions can only be boolean.");
    const Value& argument = expression.items()[0];
    if (function == "Condition") return condition(argument.text());
    if (function == "Fn::Equals") return equals(argument);
    if (function == "Fn::Not") {
      if (!argument.is_list() || argument.size() != 1)
        return template_error("Fn::Not object requires a list argument with one element.");
      ASSIGN_OR_RETURN(const bool inner, truth(argument.items()[0]));
      return !inner;
    }
    if (function == "Fn::And" || function == "Fn::Or") return combine(function, argument);
    return invalid("Template format error: Conditions can only be boolean.");
  }

 private:
  base::Status spend(const Value& value) {
    spent_ += bytes_of(value);
    if (spent_ > kResolvedBytesMax)
      return template_error(fmt::format(
          "the template's functions make more than {} bytes for one resource", kResolvedBytesMax));
    return {};
  }

  base::Result<Value> resolve_object(const Value& value) {
    std::vector<std::string> keys;
    std::vector<Value> values;
    for (std::size_t i = 0; i < value.size(); ++i) {
      ASSIGN_OR_RETURN(Value resolved, resolve(value.items()[i]));
      if (resolved.is_no_value()) continue;
      keys.push_back(value.keys()[i]);
      values.push_back(std::move(resolved));
    }
    return Value::object(std::move(keys), std::move(values));
  }

  base::Result<Value> call(std::string_view function, const Value& argument) {
    if (function == "Ref") return ref(argument.text());
    if (function == "Fn::GetAtt") return get_att(argument);
    if (function == "Fn::Join") return join(argument);
    if (function == "Fn::Sub") return sub(argument);
    if (function == "Fn::If") return if_else(argument);
    if (function == "Fn::Select") return select(argument);
    if (function == "Fn::Split") return split(argument);
    if (function == "Fn::FindInMap") return find_in_map(argument);
    if (function == "Fn::Base64") return base64(argument);
    if (function == "Fn::GetAZs") return zones(argument);
    if (function == "Fn::ImportValue") return import_value(argument);
    if (function == "Fn::Cidr") return cidr(argument);
    if (function == "Fn::Length" || function == "Fn::ToJsonString")
      return language_extension(function, argument);
    if (function == "Fn::Transform")
      return template_error("Fn::Transform is not supported by Millrace.");
    return template_error(fmt::format("the function {} is not supported here", function));
  }

  base::Result<Value> ref(const std::string& name) {
    const Pseudo& pseudo = scope_.pseudo;
    if (name == "AWS::Region") return Value::string(pseudo.region);
    if (name == "AWS::AccountId") return Value::string(pseudo.account);
    if (name == "AWS::StackName") return Value::string(pseudo.stack_name);
    if (name == "AWS::StackId") return Value::string(pseudo.stack_id);
    if (name == "AWS::Partition") return Value::string(pseudo.partition);
    if (name == "AWS::URLSuffix") return Value::string(pseudo.url_suffix);
    if (name == "AWS::NoValue") return Value::no_value();
    if (name == "AWS::NotificationARNs") {
      Value list = Value::list();
      for (const std::string& arn : pseudo.notification_arns) list.push(Value::string(arn));
      return list;
    }
    if (scope_.parameters != nullptr)
      if (const auto bound = scope_.parameters->find(name); bound != scope_.parameters->end())
        return bound->second.value;
    if (scope_.source->resource(name) == nullptr)
      return invalid(fmt::format(
          "Template format error: Unresolved resource dependencies [{}] in the Resources block of "
          "the template",
          name));
    const auto made = scope_.made ? scope_.made(name) : std::nullopt;
    if (!made) return Value::unknown(name, "");
    return Value::string(made->ref);
  }

  base::Result<Value> attribute_of(const std::string& id, const std::string& attribute) {
    const ResourceDeclaration* resource = scope_.source->resource(id);
    if (resource == nullptr)
      return template_error(
          fmt::format("instance of Fn::GetAtt references undefined resource {}", id));
    const auto made = scope_.made ? scope_.made(id) : std::nullopt;
    if (!made) return Value::unknown(id, attribute);
    if (const Value* found = made->attributes.find(attribute)) return *found;
    if (resource->type.starts_with("Custom::") ||
        resource->type == "AWS::CloudFormation::CustomResource")
      return invalid(fmt::format(
          "CustomResource attribute error: Vendor response doesn't contain {} attribute in object "
          "{}|{}",
          attribute, scope_.pseudo.stack_id, id));
    return template_error(
        fmt::format("resource {} does not support attribute type {} in Fn::GetAtt", id, attribute));
  }

  base::Result<Value> get_att(const Value& argument) {
    if (argument.is_string()) {
      const auto dot = argument.text().find('.');
      if (dot != std::string::npos)
        return attribute_of(argument.text().substr(0, dot), argument.text().substr(dot + 1));
    }
    if (!argument.is_list() || argument.size() != 2 || !argument.items()[0].is_string())
      return template_error(
          "every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
          "resource attribute");
    ASSIGN_OR_RETURN(const Value attribute, resolve(argument.items()[1]));
    if (!attribute.is_scalar())
      return template_error(
          "every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
          "resource attribute");
    return attribute_of(argument.items()[0].text(), attribute.text());
  }

  base::Result<Value> join(const Value& argument) {
    static constexpr std::string_view kUsage =
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
        "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to "
        "be joined.";
    if (!argument.is_list() || argument.size() != 2 || !argument.items()[0].is_string())
      return template_error(kUsage);
    ASSIGN_OR_RETURN(const Value parts, resolve(argument.items()[1]));
    if (const Value* unknown = first_unknown(parts)) return *unknown;
    if (!parts.is_list()) return template_error(kUsage);
    std::string joined;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!parts.items()[i].is_scalar()) return template_error(kUsage);
      if (i > 0) joined += argument.items()[0].text();
      joined += parts.items()[i].text();
      if (joined.size() > kResolvedBytesMax) break;
    }
    return Value::string(std::move(joined));
  }

  base::Result<Value> sub(const Value& argument) {
    static constexpr std::string_view kUsage =
        "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a "
        "string as first argument, and an optional second argument to specify a mapping of values "
        "to replace in the string";
    const Value* text = &argument;
    const Value* variables = nullptr;
    if (argument.is_list() && argument.size() == 2) {
      text = &argument.items()[0];
      variables = &argument.items()[1];
    }
    if (!text->is_string() || (variables != nullptr && !variables->is_object()))
      return template_error(kUsage);
    ASSIGN_OR_RETURN(const std::vector<SubPiece> pieces, split_sub(text->text()));
    std::string made;
    for (const SubPiece& piece : pieces) {
      if (!piece.is_variable) {
        made += piece.text;
        continue;
      }
      ASSIGN_OR_RETURN(const Value value, sub_variable(piece.text, variables));
      if (value.is_unknown()) return value;
      if (!value.is_scalar())
        return template_error(fmt::format(
            "variable {} in Fn::Sub expression does not resolve to a string", piece.text));
      made += value.text();
      if (made.size() > kResolvedBytesMax) break;
    }
    return Value::string(std::move(made));
  }

  base::Result<Value> sub_variable(const std::string& name, const Value* variables) {
    if (variables != nullptr)
      if (const Value* given = variables->find(name)) return resolve(*given);
    const auto dot = name.find('.');
    if (dot != std::string::npos) return attribute_of(name.substr(0, dot), name.substr(dot + 1));
    return ref(name);
  }

  base::Result<Value> if_else(const Value& argument) {
    if (!argument.is_list() || argument.size() != 3 || !argument.items()[0].is_string())
      return template_error("Fn::If requires a list argument with three elements");
    ASSIGN_OR_RETURN(const bool holds, condition(argument.items()[0].text()));
    return resolve(argument.items()[holds ? 1 : 2]);
  }

  base::Result<Value> select(const Value& argument) {
    static constexpr std::string_view kUsage =
        "every Fn::Select object requires two non-empty parameters, the index and a list";
    if (!argument.is_list() || argument.size() != 2) return template_error(kUsage);
    ASSIGN_OR_RETURN(const Value index, resolve(argument.items()[0]));
    ASSIGN_OR_RETURN(const Value list, resolve(argument.items()[1]));
    if (index.is_unknown()) return index;
    if (list.is_unknown()) return list;
    std::size_t at = 0;
    const std::string& text = index.text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), at);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || !list.is_list())
      return template_error(kUsage);
    if (at >= list.size())
      return template_error(
          fmt::format("Fn::Select cannot select nonexistent value at index {}", at));
    return list.items()[at];
  }

  base::Result<Value> split(const Value& argument) {
    static constexpr std::string_view kUsage =
        "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string "
        "to "
        "be split or a function that returns a string to be split.";
    if (!argument.is_list() || argument.size() != 2 || !argument.items()[0].is_string() ||
        argument.items()[0].text().empty())
      return template_error(kUsage);
    ASSIGN_OR_RETURN(const Value source, resolve(argument.items()[1]));
    if (source.is_unknown()) return source;
    if (!source.is_scalar()) return template_error(kUsage);
    const std::string& delimiter = argument.items()[0].text();
    Value parts = Value::list();
    std::string_view rest = source.text();
    for (auto at = rest.find(delimiter); at != std::string_view::npos; at = rest.find(delimiter)) {
      parts.push(Value::string(std::string(rest.substr(0, at))));
      rest.remove_prefix(at + delimiter.size());
    }
    parts.push(Value::string(std::string(rest)));
    return parts;
  }

  base::Result<Value> find_in_map(const Value& argument) {
    static constexpr std::string_view kUsage =
        "every Fn::FindInMap object requires three parameters, the map name, map key and the "
        "attribute for return value";
    if (!argument.is_list() || argument.size() < 3 || argument.size() > 4)
      return template_error(kUsage);
    std::vector<std::string> path;
    for (std::size_t i = 0; i < 3; ++i) {
      ASSIGN_OR_RETURN(const Value key, resolve(argument.items()[i]));
      if (key.is_unknown()) return key;
      if (!key.is_scalar()) return template_error(kUsage);
      path.push_back(key.text());
    }
    const Value* found = &scope_.source->mappings;
    for (const std::string& key : path) found = found == nullptr ? nullptr : found->find(key);
    if (found != nullptr) return *found;
    if (argument.size() == 4)
      if (const Value* otherwise = argument.items()[3].find("DefaultValue"))
        return resolve(*otherwise);
    return template_error(
        fmt::format("Unable to get mapping for {}::{}::{}", path[0], path[1], path[2]));
  }

  base::Result<Value> base64(const Value& argument) {
    ASSIGN_OR_RETURN(const Value source, resolve(argument));
    if (source.is_unknown()) return source;
    if (!source.is_scalar())
      return template_error("every Fn::Base64 object must have a String-typed value.");
    return Value::string(base::base64(source.text()));
  }

  base::Result<Value> zones(const Value& argument) {
    ASSIGN_OR_RETURN(const Value region, resolve(argument));
    if (region.is_unknown()) return region;
    const std::string name = region.text().empty() ? scope_.pseudo.region : region.text();
    return Value::list(
        {Value::string(name + "a"), Value::string(name + "b"), Value::string(name + "c")});
  }

  base::Result<Value> import_value(const Value& argument) {
    ASSIGN_OR_RETURN(const Value name, resolve(argument));
    if (name.is_unknown()) return name;
    if (!name.is_scalar())
      return template_error(
          "the attribute in Fn::ImportValue must be a string or a function that "
          "returns a string");
    const auto value = scope_.exported ? scope_.exported(name.text()) : std::nullopt;
    if (!value)
      return invalid(
          fmt::format("No export named {} found. Rollback requested by user.", name.text()));
    return Value::string(*value);
  }

  base::Result<Value> cidr(const Value& argument) {
    if (!argument.is_list() || argument.size() < 2 || argument.size() > 3)
      return template_error(
          "every Fn::Cidr object requires two or three parameters, the ipBlock, "
          "the count and the cidrBits");
    std::vector<std::string> arguments;
    for (const Value& item : argument.items()) {
      ASSIGN_OR_RETURN(const Value one, resolve(item));
      if (one.is_unknown()) return one;
      arguments.push_back(one.text());
    }
    ASSIGN_OR_RETURN(
        const std::vector<std::string> blocks,
        cidr_blocks(arguments[0], arguments[1], arguments.size() > 2 ? arguments[2] : "8"));
    Value list = Value::list();
    for (const std::string& block : blocks) list.push(Value::string(block));
    return list;
  }

  base::Result<Value> language_extension(std::string_view function, const Value& argument) {
    if (!scope_.source->has_transform("AWS::LanguageExtensions"))
      return template_error(
          fmt::format("{} is only available with the transform AWS::LanguageExtensions", function));
    ASSIGN_OR_RETURN(const Value resolved, resolve(argument));
    if (const Value* unknown = first_unknown(resolved)) return *unknown;
    if (function == "Fn::ToJsonString") return Value::string(to_json(resolved));
    if (!resolved.is_list()) return template_error("Fn::Length requires a list");
    return Value::number(static_cast<std::int64_t>(resolved.size()));
  }

  base::Result<bool> equals(const Value& argument) {
    static constexpr std::string_view kUsage =
        "every Fn::Equals object requires a list of 2 string parameters.";
    if (!argument.is_list() || argument.size() != 2) return template_error(kUsage);
    ASSIGN_OR_RETURN(const Value left, resolve(argument.items()[0]));
    ASSIGN_OR_RETURN(const Value right, resolve(argument.items()[1]));
    if ((!left.is_scalar() && !left.is_list()) || (!right.is_scalar() && !right.is_list()))
      return template_error(kUsage);
    return same_to_services(left, right);
  }

  base::Result<bool> combine(std::string_view function, const Value& argument) {
    if (!argument.is_list() || argument.size() < 2 || argument.size() > 10)
      return template_error(fmt::format(
          "every {} object requires a list of at least 2 and at most 10 boolean parameters.",
          function));
    const bool is_and = function == "Fn::And";
    bool result = is_and;
    for (const Value& item : argument.items()) {
      ASSIGN_OR_RETURN(const bool one, truth(item));
      result = is_and ? result && one : result || one;
    }
    return result;
  }

  const Scope& scope_;
  std::set<std::string> evaluating_;
  std::map<std::string, bool> found_;  // so that chains of conditions do not cost exponential time
  std::size_t spent_ = 0;
};

void collect_imports(const Value& value, Resolver& resolver, std::set<std::string>& names) {
  if (function_name(value) == "Fn::ImportValue") {
    if (const auto name = resolver.resolve(value.items()[0]); name && name->is_scalar())
      names.insert(name->text());
  }
  for (const Value& item : value.items()) collect_imports(item, resolver, names);
}

}  // namespace

base::Result<std::map<std::string, bool>> evaluate_conditions(const Scope& scope) {
  std::map<std::string, bool> conditions;
  Resolver resolver(scope);
  for (const std::string& name : scope.source->conditions.keys()) {
    ASSIGN_OR_RETURN(conditions[name], resolver.condition(name));
  }
  return conditions;
}

base::Result<Value> resolve(const Value& value, const Scope& scope) {
  return Resolver(scope).resolve(value);
}

bool condition_holds(const std::string& condition, const Scope& scope) {
  if (condition.empty()) return true;
  const auto found = scope.conditions.find(condition);
  return found != scope.conditions.end() && found->second;
}

namespace {

// What is left of `value` once Fn::If has chosen, functions otherwise as they are.
Value chosen_branches(const Value& value, const Scope& scope) {
  if (function_name(value) == "Fn::If" && value.items()[0].size() == 3) {
    const std::vector<Value>& branches = value.items()[0].items();
    return chosen_branches(branches[condition_holds(branches[0].text(), scope) ? 1 : 2], scope);
  }
  std::vector<Value> items;
  for (const Value& item : value.items()) items.push_back(chosen_branches(item, scope));
  if (value.is_list()) return Value::list(std::move(items));
  if (value.is_object()) return Value::object(value.keys(), std::move(items));
  return value;
}

std::set<std::string> left_out_in(const Value& value, const Scope& scope) {
  std::set<std::string> missing;
  for (const Reference& reference : references_in(chosen_branches(value, scope))) {
    if (reference.kind == Reference::Kind::kCondition) continue;
    const ResourceDeclaration* target = scope.source->resource(reference.name);
    if (target != nullptr && !condition_holds(target->condition, scope))
      missing.insert(reference.name);
  }
  return missing;
}

}  // namespace

base::Status check_left_out(const Scope& scope) {
  std::set<std::string> missing;
  for (const ResourceDeclaration& resource : scope.source->resources)
    if (condition_holds(resource.condition, scope))
      missing.merge(left_out_in(resource.properties, scope));
  if (!missing.empty())
    return invalid(fmt::format(
        "Template format error: Unresolved resource dependencies [{}] in the Resources block of "
        "the template",
        fmt::join(missing, ", ")));
  for (const OutputDeclaration& output : scope.source->outputs)
    if (condition_holds(output.condition, scope)) missing.merge(left_out_in(output.value, scope));
  if (!missing.empty())
    return invalid(
        fmt::format("Unresolved resource dependencies [{}] in the Outputs block of the template",
                    fmt::join(missing, ", ")));
  return {};
}

std::vector<std::string> imports_of(const Template& source, const Scope& scope) {
  std::set<std::string> names;
  Resolver resolver(scope);
  for (const ResourceDeclaration& resource : source.resources)
    if (condition_holds(resource.condition, scope))
      collect_imports(resource.properties, resolver, names);
  for (const OutputDeclaration& output : source.outputs)
    if (condition_holds(output.condition, scope)) collect_imports(output.value, resolver, names);
  return {names.begin(), names.end()};
}

}  // namespace stacks

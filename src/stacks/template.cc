#include "stacks/template.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>

#include "stacks/graph.h"
#include "stacks/references.h"
#include "stacks/yaml.h"

namespace stacks {

namespace {

std::unexpected<base::Error> invalid(std::string message) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(message));
}
std::unexpected<base::Error> format_error(std::string_view message) {
  return invalid(fmt::format("Template format error: {}", message));
}

bool is_alphanumeric(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A section that must be an object, or absent.
base::Result<const Value*> section(const Value& document, std::string_view name, std::size_t max) {
  static const Value kNone = Value::object();
  const Value* found = document.find(name);
  if (found == nullptr) return &kNone;
  if (!found->is_object()) return format_error(fmt::format("{} must be an object.", name));
  if (found->size() > max)
    return format_error(fmt::format("Number of {}, {}, is greater than maximum allowed, {}",
                                    name == "Resources" ? "resources" : name, found->size(), max));
  return found;
}

base::Status refuse_nulls(const Value& value, std::string& path) {
  if (value.is_null())
    return invalid(fmt::format("[{}] 'null' values are not allowed in templates", path));
  const std::size_t length = path.size();
  for (std::size_t i = 0; i < value.size(); ++i) {
    path += '/';
    path += value.is_object() ? value.keys()[i] : std::to_string(i);
    RETURN_IF_ERROR(refuse_nulls(value.items()[i], path));
    path.resize(length);
  }
  return {};
}

base::Status check_parameter_type(const ParameterDeclaration& parameter) {
  const std::string& type = parameter.type;
  static constexpr std::array<std::string_view, 4> kPlain = {"String", "Number", "List<Number>",
                                                             "CommaDelimitedList"};
  if (is_one_of(kPlain, type) || type == "List<String>") return {};
  if (type.starts_with("AWS::SSM::Parameter::"))
    return invalid(fmt::format(
        "Parameter type {} of parameter {} is not supported by Millrace: it has no Parameter "
        "Store. Pass the value itself in a String parameter.",
        type, parameter.name));
  if (type.starts_with("AWS::") || type.starts_with("List<AWS::")) return {};
  return format_error(fmt::format("Unrecognized parameter type: {}", type));
}

base::Result<ParameterDeclaration> read_parameter(const std::string& name, const Value& value) {
  static constexpr std::array<std::string_view, 11> kMembers = {
      "Type",      "Default",   "Description", "NoEcho",   "AllowedValues",        "AllowedPattern",
      "MinLength", "MaxLength", "MinValue",    "MaxValue", "ConstraintDescription"};
  if (!is_alphanumeric(name))
    return format_error(fmt::format("Parameter name {} is non alphanumeric.", name));
  if (!value.is_object()) return format_error("Any Parameters member must be an object.");
  for (const std::string& key : value.keys())
    if (!is_one_of(kMembers, key))
      return invalid(fmt::format("Invalid template parameter property '{}'", key));
  const Value* type = value.find("Type");
  if (type == nullptr || !type->is_string())
    return format_error("Every Parameters object must contain a Type member.");
  ParameterDeclaration parameter;
  parameter.name = name;
  parameter.type = type->text();
  RETURN_IF_ERROR(check_parameter_type(parameter));
  if (const Value* default_value = value.find("Default")) {
    if (!default_value->is_scalar()) return format_error("Every Default member must be a string.");
    parameter.default_value = default_value->text();
  }
  parameter.description = value.text_of("Description");
  parameter.no_echo = value.text_of("NoEcho") == "true";
  if (const Value* allowed = value.find("AllowedValues")) {
    if (!allowed->is_list()) return format_error("Every AllowedValues member must be a list.");
    for (const Value& item : allowed->items()) {
      if (!item.is_scalar())
        return format_error("Every AllowedValues member must be a list of strings.");
      parameter.allowed_values.push_back(item.text());
    }
  }
  parameter.allowed_pattern = value.text_of("AllowedPattern");
  parameter.constraint_description = value.text_of("ConstraintDescription");
  parameter.min_length = value.text_of("MinLength");
  parameter.max_length = value.text_of("MaxLength");
  parameter.min_value = value.text_of("MinValue");
  parameter.max_value = value.text_of("MaxValue");
  return parameter;
}

base::Status check_mappings(const Value& mappings) {
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    const Value& map = mappings.items()[i];
    if (!map.is_object() || map.empty())
      return format_error(
          fmt::format("Every Mappings member {} must be a map", mappings.keys()[i]));
    for (std::size_t j = 0; j < map.size(); ++j) {
      const Value& top = map.items()[j];
      if (!top.is_object())
        return format_error(fmt::format("Every Mappings member {} must be a map", map.keys()[j]));
      for (const Value& leaf : top.items()) {
        bool good = leaf.is_scalar() || leaf.is_list();
        for (const Value& item : leaf.items()) good = good && item.is_scalar();
        if (!good) return format_error("Every Mappings attribute must be a String or a List.");
      }
    }
  }
  return {};
}

base::Status check_policy(const ResourceDeclaration& resource, std::string_view attribute,
                          const std::string& policy) {
  static constexpr std::array<std::string_view, 5> kPolicies = {"", "Delete", "Retain",
                                                                "RetainExceptOnCreate", "Snapshot"};
  const bool allowed = is_one_of(kPolicies, policy) &&
                       (attribute == "DeletionPolicy" || policy != "RetainExceptOnCreate");
  if (!allowed)
    return format_error(
        fmt::format("Unrecognized {} {} for resource {}", attribute, policy, resource.id));
  if (policy == "Snapshot")
    return format_error(fmt::format("{} Snapshot is not supported for resource {} of type {}",
                                    attribute, resource.id, resource.type));
  return {};
}

base::Status read_depends_on(ResourceDeclaration& resource, const Value& value) {
  const std::vector<Value> single = {value};
  for (const Value& item : value.is_list() ? value.items() : single) {
    if (!item.is_string())
      return format_error(fmt::format(
          "[/Resources/{}/DependsOn] Every DependsOn value must be a string.", resource.id));
    resource.depends_on.push_back(item.text());
  }
  return {};
}

base::Result<ResourceDeclaration> read_resource(const std::string& id, const Value& value) {
  static constexpr std::array<std::string_view, 10> kMembers = {
      "Type",           "Properties",          "DependsOn",    "DeletionPolicy", "Metadata",
      "CreationPolicy", "UpdateReplacePolicy", "UpdatePolicy", "Condition",      "Description"};
  if (!value.is_object()) return format_error("Any Resources member must be an object.");
  if (!is_alphanumeric(id))
    return format_error(fmt::format("Resource name {} is non alphanumeric.", id));
  if (id.size() > 255)
    return format_error(fmt::format("Resource name {} is longer than 255 characters.", id));
  for (const std::string& key : value.keys())
    if (!is_one_of(kMembers, key))
      return invalid(fmt::format("Invalid template resource property '{}'", key));
  const Value* type = value.find("Type");
  if (type == nullptr || !type->is_string())
    return format_error(
        fmt::format("[/Resources/{}] Every Resources object must contain a Type member.", id));
  ResourceDeclaration resource;
  resource.id = id;
  resource.type = type->text();
  resource.properties = Value::object();
  if (const Value* properties = value.find("Properties")) {
    if (!properties->is_object() || !function_name(*properties).empty())
      return format_error(
          fmt::format("[/Resources/{}/Properties] Properties must be an object.", id));
    resource.properties = *properties;
  }
  if (const Value* depends_on = value.find("DependsOn"))
    RETURN_IF_ERROR(read_depends_on(resource, *depends_on));
  resource.condition = value.text_of("Condition");
  resource.deletion_policy = value.text_of("DeletionPolicy");
  resource.update_replace_policy = value.text_of("UpdateReplacePolicy");
  RETURN_IF_ERROR(check_policy(resource, "DeletionPolicy", resource.deletion_policy));
  RETURN_IF_ERROR(check_policy(resource, "UpdateReplacePolicy", resource.update_replace_policy));
  if (const Value* metadata = value.find("Metadata")) resource.metadata = *metadata;
  // Waiting for signals and rolling updates: refused rather than passed over.
  for (const std::string_view policy : {"CreationPolicy", "UpdatePolicy"})
    if (value.has(policy))
      return invalid(fmt::format("Millrace does not support {} (resource {})", policy, id));
  return resource;
}

base::Result<OutputDeclaration> read_output(const std::string& name, const Value& value) {
  static constexpr std::array<std::string_view, 4> kMembers = {"Value", "Description", "Export",
                                                               "Condition"};
  if (!is_alphanumeric(name))
    return format_error(fmt::format("Output name {} is non alphanumeric.", name));
  if (!value.is_object() || !value.has("Value"))
    return format_error("Every Outputs member must contain a Value object");
  if (value.find("Value")->is_null())
    return invalid(
        fmt::format("[/Outputs/{}/Value] 'null' values are not allowed in templates", name));
  for (const std::string& key : value.keys())
    if (!is_one_of(kMembers, key))
      return invalid(fmt::format("Invalid template output property '{}'", key));
  OutputDeclaration output;
  output.name = name;
  output.value = *value.find("Value");
  output.description = value.text_of("Description");
  output.condition = value.text_of("Condition");
  if (const Value* exported = value.find("Export")) {
    const Value* export_name = exported->find("Name");
    if (export_name == nullptr || exported->size() != 1)
      return format_error("Output " + name +
                          " is malformed. The Name field of every Export "
                          "member must be specified.");
    output.export_name = *export_name;
  }
  return output;
}

// What is referred to must be declared. One per template; errors name everything missing.
class ReferenceChecker {
 public:
  explicit ReferenceChecker(const Template& source) : source_(source) {}

  base::Status run() {
    std::set<std::string> missing;
    for (const ResourceDeclaration& resource : source_.resources) {
      RETURN_IF_ERROR(check(resource.properties, "Resources", missing));
      RETURN_IF_ERROR(check(resource.metadata, "Resources", missing));
      RETURN_IF_ERROR(check_condition(resource.condition, "Resources"));
      for (const std::string& id : resource.depends_on)
        if (source_.resource(id) == nullptr) missing.insert(id);
    }
    RETURN_IF_ERROR(report(missing, "Resources"));
    for (const OutputDeclaration& output : source_.outputs) {
      RETURN_IF_ERROR(check(output.value, "Outputs", missing));
      RETURN_IF_ERROR(check(output.export_name, "Outputs", missing));
      RETURN_IF_ERROR(check_condition(output.condition, "Outputs"));
    }
    RETURN_IF_ERROR(report(missing, "Outputs"));
    for (const Value& condition : source_.conditions.items()) {
      for (const Reference& reference : references_in(condition)) {
        if (reference.kind == Reference::Kind::kGetAtt ||
            (reference.kind == Reference::Kind::kRef && !is_input(reference.name)))
          return format_error(
              fmt::format("Unresolved dependencies [{}]. Cannot reference resources in the "
                          "Conditions block of the template",
                          reference.name));
      }
    }
    return {};
  }

 private:
  bool is_input(const std::string& name) const {
    return is_pseudo_parameter(name) || source_.parameter(name) != nullptr;
  }

  base::Status check_condition(const std::string& name, std::string_view block) const {
    if (name.empty() || source_.conditions.has(name)) return {};
    return format_error(fmt::format(
        "Unresolved condition dependency {} in the {} block of the template", name, block));
  }

  base::Status check(const Value& value, std::string_view block, std::set<std::string>& missing) {
    for (const Reference& reference : references_in(value)) {
      switch (reference.kind) {
        case Reference::Kind::kCondition:
          RETURN_IF_ERROR(check_condition(reference.name, block));
          break;
        case Reference::Kind::kRef:
          if (!is_input(reference.name) && source_.resource(reference.name) == nullptr)
            missing.insert(reference.name);
          break;
        case Reference::Kind::kGetAtt:
          if (source_.resource(reference.name) != nullptr) break;
          return invalid(
              fmt::format("Template error: instance of {} references undefined resource {}",
                          reference.in_sub ? "Fn::Sub" : "Fn::GetAtt", reference.name));
      }
    }
    return {};
  }

  static base::Status report(const std::set<std::string>& missing, std::string_view block) {
    if (missing.empty()) return {};
    return format_error(
        fmt::format("Unresolved resource dependencies [{}] in the {} block of the template",
                    fmt::join(missing, ", "), block));
  }

  const Template& source_;
};

base::Status read_header(Template& made, const Value& document) {
  static constexpr std::array<std::string_view, 10> kMembers = {"AWSTemplateFormatVersion",
                                                                "Description",
                                                                "Metadata",
                                                                "Parameters",
                                                                "Mappings",
                                                                "Conditions",
                                                                "Transform",
                                                                "Resources",
                                                                "Outputs",
                                                                "Rules"};
  std::vector<std::string> unknown;
  for (const std::string& key : document.keys())
    if (!is_one_of(kMembers, key) && key != "Hooks") unknown.push_back(key);
  if (!unknown.empty())
    return invalid(
        fmt::format("Invalid template property or properties [{}]", fmt::join(unknown, ", ")));
  if (const Value* version = document.find("AWSTemplateFormatVersion");
      version != nullptr && version->text() != "2010-09-09")
    return format_error("Unsupported AWSTemplateFormatVersion " + version->text() +
                        ". Use 2010-09-09.");
  if (const Value* description = document.find("Description")) {
    if (!description->is_scalar())
      return format_error("Template format error: Every Description member must be a string.");
    if (description->text().size() > 1024)
      return format_error("'Description' length is greater than 1024.");
    made.description = description->text();
  }
  if (const Value* metadata = document.find("Metadata")) made.metadata = *metadata;
  if (const Value* rules = document.find("Rules")) made.rules = *rules;
  if (const Value* transform = document.find("Transform")) {
    const std::vector<Value> single = {*transform};
    for (const Value& item : transform->is_list() ? transform->items() : single)
      made.transforms.push_back(item.is_object() ? item.text_of("Name") : item.text());
  }
  return {};
}

base::Status read_resources(Template& made, const Value& document) {
  ASSIGN_OR_RETURN(const Value* resources, section(document, "Resources", kResourcesMax));
  if (resources->empty()) return format_error("At least one Resources member must be defined.");
  for (std::size_t i = 0; i < resources->size(); ++i) {
    ASSIGN_OR_RETURN(ResourceDeclaration resource,
                     read_resource(resources->keys()[i], resources->items()[i]));
    made.resources.push_back(std::move(resource));
  }
  return {};
}

}  // namespace

const ParameterDeclaration* Template::parameter(std::string_view name) const {
  for (const ParameterDeclaration& parameter : parameters)
    if (parameter.name == name) return &parameter;
  return nullptr;
}

const ResourceDeclaration* Template::resource(std::string_view id) const {
  for (const ResourceDeclaration& resource : resources)
    if (resource.id == id) return &resource;
  return nullptr;
}

bool Template::has_transform(std::string_view name) const {
  return std::find(transforms.begin(), transforms.end(), name) != transforms.end();
}

base::Result<Value> parse_document(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return format_error("unsupported structure.");
  if (text[first] == '{') {
    auto document = parse_json(text);
    if (!document) return format_error(document.error().message);
    return document;
  }
  return parse_yaml(text);
}

base::Result<Template> read_template(Value document) {
  if (!document.is_object()) return format_error("unsupported structure.");
  Template made;
  RETURN_IF_ERROR(read_header(made, document));
  ASSIGN_OR_RETURN(const Value* parameters, section(document, "Parameters", kParametersMax));
  for (std::size_t i = 0; i < parameters->size(); ++i) {
    ASSIGN_OR_RETURN(ParameterDeclaration parameter,
                     read_parameter(parameters->keys()[i], parameters->items()[i]));
    made.parameters.push_back(std::move(parameter));
  }
  ASSIGN_OR_RETURN(const Value* mappings, section(document, "Mappings", kMappingsMax));
  RETURN_IF_ERROR(check_mappings(*mappings));
  made.mappings = *mappings;
  ASSIGN_OR_RETURN(const Value* conditions, section(document, "Conditions", kResourcesMax));
  made.conditions = *conditions;
  RETURN_IF_ERROR(read_resources(made, document));
  ASSIGN_OR_RETURN(const Value* outputs, section(document, "Outputs", kOutputsMax));
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    ASSIGN_OR_RETURN(OutputDeclaration output,
                     read_output(outputs->keys()[i], outputs->items()[i]));
    made.outputs.push_back(std::move(output));
  }
  std::string path;
  RETURN_IF_ERROR(refuse_nulls(document, path));
  RETURN_IF_ERROR(ReferenceChecker(made).run());
  made.document = std::move(document);
  RETURN_IF_ERROR(dependency_graph(made));
  return made;
}

NeededCapabilities needed_capabilities(const Template& source) {
  static constexpr std::array<std::string_view, 9> kIamTypes = {"AWS::IAM::AccessKey",
                                                                "AWS::IAM::Group",
                                                                "AWS::IAM::InstanceProfile",
                                                                "AWS::IAM::ManagedPolicy",
                                                                "AWS::IAM::Policy",
                                                                "AWS::IAM::Role",
                                                                "AWS::IAM::User",
                                                                "AWS::IAM::UserToGroupAddition",
                                                                "AWS::IAM::UserPolicy"};
  static constexpr std::array<std::string_view, 5> kNames = {
      "RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"};
  NeededCapabilities needed;
  std::set<std::string> types;
  bool named = false;
  for (const ResourceDeclaration& resource : source.resources) {
    if (!is_one_of(kIamTypes, resource.type)) continue;
    types.insert(resource.type);
    // The name a resource gives itself counts, not the user an access key is for.
    const bool names_itself = resource.type != "AWS::IAM::AccessKey" &&
                              resource.type != "AWS::IAM::UserToGroupAddition" &&
                              resource.type != "AWS::IAM::UserPolicy";
    for (const std::string_view name : kNames)
      named = named || (names_itself && resource.properties.has(name));
  }
  if (!types.empty())
    needed.capabilities.push_back(named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM");
  needed.resource_types.assign(types.begin(), types.end());
  return needed;
}

}  // namespace stacks

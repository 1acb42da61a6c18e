#include "stacks/serverless.h"

#include <fmt/format.h>

#include <algorithm>

namespace stacks::serverless {

namespace {

constexpr std::string_view kPrefix = "AWS::Serverless::";

base::Status check_names(const std::string& id, const Value& properties,
                         std::initializer_list<std::string_view> known) {
  for (const std::string& name : properties.keys())
    if (std::find(known.begin(), known.end(), name) == known.end())
      return refuse(id, fmt::format("Property {} is not supported by Millrace.", name));
  return {};
}

std::unexpected<base::Error> refuse_globals(std::string_view message) {
  return base::error(
      base::ErrorCode::kInvalidArgument,
      fmt::format("Transform {} failed with: Invalid Serverless Application Specification "
                  "document. Number of errors found: 1. 'Globals' section is invalid. {}",
                  kTransform, message));
}

Value properties_of(const Value& resource) {
  const Value* properties = resource.find("Properties");
  return properties != nullptr && properties->is_object() ? *properties : Value::object();
}

// The same resource with another type and other properties: DependsOn and the like stay.
Value retyped(const Value& resource, std::string_view type, Value properties) {
  Value made = resource;
  made.set("Type", text(type));
  made.set("Properties", std::move(properties));
  return made;
}

base::Result<Value> table_of(const std::string& id, const Value& resource) {
  const Value properties = properties_of(resource);
  RETURN_IF_ERROR(check_names(id, properties,
                              {"PointInTimeRecoverySpecification", "PrimaryKey",
                               "ProvisionedThroughput", "SSESpecification", "TableName", "Tags"}));
  std::string key = "id";
  std::string type = "String";
  if (const Value* primary = properties.find("PrimaryKey")) {
    key = primary->text_of("Name");
    type = primary->text_of("Type");
  }
  if (type != "String" && type != "Number" && type != "Binary")
    return refuse(id, fmt::format("Invalid 'Type' \"{}\".", type));
  Value made = Value::object(
      {"AttributeDefinitions", "KeySchema"},
      {Value::list({Value::object({"AttributeName", "AttributeType"},
                                  {text(key), text(type.substr(0, 1))})}),
       Value::list({Value::object({"AttributeName", "KeyType"}, {text(key), text("HASH")})})});
  for (const char* name : {"PointInTimeRecoverySpecification", "ProvisionedThroughput",
                           "SSESpecification", "TableName"})
    if (const Value* value = properties.find(name)) made.set(name, *value);
  if (!made.has("ProvisionedThroughput")) made.set("BillingMode", text("PAY_PER_REQUEST"));
  if (const Value* tags = properties.find("Tags")) made.set("Tags", tags_of(tags, false));
  return retyped(resource, "AWS::DynamoDB::Table", std::move(made));
}

// A layer's id changes with what it says, for a layer's version never changes.
base::Result<Expansion> layer_of(const std::string& id, const Value& resource) {
  const Value properties = properties_of(resource);
  RETURN_IF_ERROR(
      check_names(id, properties,
                  {"CompatibleArchitectures", "CompatibleRuntimes", "ContentUri", "Description",
                   "LayerName", "LicenseInfo", "PublishLambdaVersion", "RetentionPolicy"}));
  const Value* content = properties.find("ContentUri");
  if (content == nullptr) return refuse(id, "Missing required property 'ContentUri'.");
  ASSIGN_OR_RETURN(Value location, location_of(id, "ContentUri", *content));
  Value made = Value::object({"Content", "LayerName"}, {std::move(location), text(id)});
  for (const char* name :
       {"CompatibleArchitectures", "CompatibleRuntimes", "Description", "LayerName", "LicenseInfo"})
    if (const Value* value = properties.find(name)) made.set(name, *value);
  Value declared = resource_like(resource, "AWS::Lambda::LayerVersion", std::move(made));
  if (const Value* depends = resource.find("DependsOn")) declared.set("DependsOn", *depends);
  if (!declared.has("DeletionPolicy")) declared.set("DeletionPolicy", text("Retain"));
  if (const Value* retention = properties.find("RetentionPolicy")) {
    std::string policy = retention->text();
    std::transform(policy.begin(), policy.end(), policy.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (policy != "retain" && policy != "delete")
      return refuse(id,
                    "'RetentionPolicy' must be one of the following options: ['Retain', "
                    "'Delete'].");
    declared.set("DeletionPolicy", text(policy == "retain" ? "Retain" : "Delete"));
  }
  Value counted = resource;
  for (const char* name : {"DeletionPolicy", "UpdateReplacePolicy", "Metadata"})
    counted.erase(name);
  const std::string made_id = id + digits_of(Value::object({id}, {std::move(counted)}));
  Expansion expansion;
  expansion.resources.set(made_id, std::move(declared));
  expansion.renamed.emplace(id, made_id);
  return expansion;
}

base::Result<Value> stack_of(const std::string& id, const Value& resource) {
  const Value properties = properties_of(resource);
  RETURN_IF_ERROR(check_names(
      id, properties, {"Location", "NotificationARNs", "Parameters", "Tags", "TimeoutInMinutes"}));
  const Value* location = properties.find("Location");
  if (location == nullptr || !location->is_string())
    return refuse(id, "A Location that is not the URL of a template is not supported by Millrace.");
  Value made =
      Value::object({"TemplateURL", "Tags"}, {*location, tags_of(properties.find("Tags"))});
  for (const char* name : {"NotificationARNs", "Parameters", "TimeoutInMinutes"})
    if (const Value* value = properties.find(name)) made.set(name, *value);
  Value declared = resource_like(resource, "AWS::CloudFormation::Stack", std::move(made));
  if (const Value* depends = resource.find("DependsOn")) declared.set("DependsOn", *depends);
  return declared;
}

class Document {
 public:
  Document(Value document, const Parameters& given)
      : document_(std::move(document)), parameters_(given) {
    const Value* declared = document_.find("Parameters");
    for (std::size_t i = 0; declared != nullptr && i < declared->keys().size(); ++i)
      if (const Value* usual = declared->items()[i].find("Default");
          usual != nullptr && usual->is_scalar())
        parameters_.emplace(declared->keys()[i], usual->text());
  }

  base::Result<Value> expand() {
    RETURN_IF_ERROR(check_globals());
    const Value* resources = document_.find("Resources");
    if (resources == nullptr || !resources->is_object()) return std::move(document_);
    for (std::size_t i = 0; i < resources->size(); ++i) {
      const std::string& id = resources->keys()[i];
      const std::string type = resources->items()[i].text_of("Type");
      if (type.starts_with(kPrefix))
        RETURN_IF_ERROR(expand_one(id, type.substr(kPrefix.size()), resources->items()[i]));
      else made_.resources.set(id, resources->items()[i]);
    }
    document_.set("Resources", std::move(made_.resources));
    document_.erase("Globals");
    if (made_.renamed.empty()) return std::move(document_);
    for (const char* section : {"Resources", "Outputs"})
      if (const Value* value = document_.find(section)) document_.set(section, follow(*value));
    return std::move(document_);
  }

 private:
  base::Status check_globals() const {
    const Value* globals = document_.find("Globals");
    for (std::size_t i = 0; globals != nullptr && i < globals->keys().size(); ++i) {
      const std::string& kind = globals->keys()[i];
      const auto known = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), kind) != names.end();
      };
      const Value& global = globals->items()[i];
      if (!known({"Api", "CapacityProvider", "Function", "HttpApi", "LayerVersion", "SimpleTable",
                  "StateMachine", "WebSocketApi"}) ||
          !global.is_object())
        return refuse_globals(fmt::format("'{}' is not supported.", kind));
      for (const std::string& name : global.keys())
        if ((kind == "Function" && (name == "Role" || name == "Policies" ||
                                    name == "FunctionName" || name == "Events")) ||
            (kind == "SimpleTable" && name != "SSESpecification") ||
            (kind == "LayerVersion" && name != "PublishLambdaVersion"))
          return refuse_globals(
              fmt::format("'{}' is not a supported property of '{}'.", name, kind));
    }
    return {};
  }

  base::Status expand_one(const std::string& id, std::string_view kind, const Value& declared) {
    const Value resource = with_globals(kind, declared);
    if (kind == "Function" || kind == "LayerVersion") {
      ASSIGN_OR_RETURN(Expansion one, kind == "Function"
                                          ? expand_function(id, resource, parameters_)
                                          : layer_of(id, resource));
      for (std::size_t i = 0; i < one.resources.size(); ++i)
        made_.resources.set(one.resources.keys()[i], one.resources.items()[i]);
      made_.renamed.merge(one.renamed);
    } else if (kind == "SimpleTable" || kind == "Application") {
      ASSIGN_OR_RETURN(Value one,
                       kind == "SimpleTable" ? table_of(id, resource) : stack_of(id, resource));
      made_.resources.set(id, std::move(one));
    } else {
      return refuse(id, fmt::format("The type {}{} is not supported by Millrace.", kPrefix, kind));
    }
    return {};
  }

  Value with_globals(std::string_view kind, const Value& declared) const {
    Value resource = declared;
    const Value* globals = document_.find("Globals");
    const Value* global = globals == nullptr ? nullptr : globals->find(kind);
    const Value* ignored = declared.find("IgnoreGlobals");
    if (global != nullptr && !(ignored != nullptr && ignored->text() == "*")) {
      Value defaults = *global;
      for (std::size_t i = 0; ignored != nullptr && i < ignored->size(); ++i)
        defaults.erase(ignored->items()[i].text());
      resource.set("Properties", merge_globals(defaults, properties_of(declared)));
    }
    resource.erase("IgnoreGlobals");
    return resource;
  }

  // `value` with the ids that the names in its references stand for.
  Value follow(const Value& value) const {
    if (value.is_list()) {
      Value made = Value::list();
      for (const Value& item : value.items()) made.push(follow(item));
      return made;
    }
    if (!value.is_object()) return value;
    Value made = Value::object();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string& key = value.keys()[i];
      const Value& item = value.items()[i];
      if (key == "Ref" && value.size() == 1) made.set(key, text(renamed(item.text())));
      else if (key == "Fn::GetAtt" && value.size() == 1) made.set(key, follow_attribute(item));
      else if (key == "Fn::Sub" && value.size() == 1) made.set(key, follow_sub(item));
      else if (key == "DependsOn") made.set(key, follow_names(item));
      else made.set(key, follow(item));
    }
    return made;
  }

  std::string renamed(const std::string& name) const {
    const auto found = made_.renamed.find(name);
    return found == made_.renamed.end() ? name : found->second;
  }

  Value follow_names(const Value& names) const {
    if (names.is_string()) return text(renamed(names.text()));
    Value made = Value::list();
    for (const Value& name : names.items()) made.push(text(renamed(name.text())));
    return made;
  }

  // [Fn, Version.Version] and [Layer, Attribute].
  Value follow_attribute(const Value& value) const {
    if (!value.is_list() || value.size() != 2 || !value.items()[1].is_string()) return value;
    const std::string whole = value.items()[0].text() + "." + value.items()[1].text();
    for (auto dot = whole.rfind('.'); dot != std::string::npos && dot > 0;
         dot = whole.rfind('.', dot - 1)) {
      const auto found = made_.renamed.find(std::string_view(whole).substr(0, dot));
      if (found != made_.renamed.end())
        return Value::list({text(found->second), text(std::string_view(whole).substr(dot + 1))});
    }
    return value;
  }

  Value follow_sub(const Value& value) const {
    if (value.is_string()) return text(follow_variables(value.text(), Value()));
    if (!value.is_list() || value.size() != 2) return value;
    const Value variables = follow(value.items()[1]);
    return Value::list({text(follow_variables(value.items()[0].text(), variables)), variables});
  }

  // ${name} and ${name.attribute}; not ${!name}, and not what `variables` names.
  std::string follow_variables(std::string pattern, const Value& variables) const {
    for (const auto& [name, id] : made_.renamed) {
      if (variables.has(name)) continue;
      const std::string opened = "${" + name;
      for (auto at = pattern.find(opened); at != std::string::npos;
           at = pattern.find(opened, at + 2)) {
        const auto end = at + opened.size();
        if (end >= pattern.size() || (pattern[end] != '}' && pattern[end] != '.')) continue;
        pattern.replace(at + 2, name.size(), id);
      }
    }
    return pattern;
  }

  Value document_;
  Parameters parameters_;
  Expansion made_;
};

}  // namespace

base::Result<Value> expand(Value document, const Parameters& given) {
  return Document(std::move(document), given).expand();
}

}  // namespace stacks::serverless

#include "stacks/transform.h"

#include <fmt/format.h>

#include <algorithm>

#include "stacks/template.h"

namespace stacks {

namespace {

constexpr std::string_view kServerless = "AWS::Serverless-2016-10-31";

// Function properties that go over as they are.
constexpr std::string_view kPlain[] = {"Architectures",
                                       "Description",
                                       "Environment",
                                       "EphemeralStorage",
                                       "FileSystemConfigs",
                                       "FunctionName",
                                       "Handler",
                                       "ImageConfig",
                                       "KmsKeyArn",
                                       "Layers",
                                       "LoggingConfig",
                                       "MemorySize",
                                       "PackageType",
                                       "ReservedConcurrentExecutions",
                                       "Role",
                                       "Runtime",
                                       "SnapStart",
                                       "Timeout",
                                       "VpcConfig"};

std::unexpected<base::Error> refuse(std::string_view id, std::string message) {
  return base::error(base::ErrorCode::kInvalidArgument,
                     fmt::format("Transform {} failed with: Invalid Serverless Application "
                                 "Specification document. Resource with id [{}] is invalid. {}",
                                 kServerless, id, message));
}

Value text(std::string_view value) { return Value::string(std::string(value)); }
Value ref_to(std::string_view id) { return Value::object({"Ref"}, {text(id)}); }

Value tags_of(const Value& properties) {
  Value tags = Value::list();
  tags.push(Value::object({"Key", "Value"}, {text("lambda:createdBy"), text("SAM")}));
  if (const Value* own = properties.find("Tags"))
    for (std::size_t i = 0; i < own->size() && own->is_object(); ++i)
      tags.push(Value::object({"Key", "Value"}, {text(own->keys()[i]), own->items()[i]}));
  return tags;
}

class Serverless {
 public:
  explicit Serverless(Value document) : document_(std::move(document)) {}

  base::Result<Value> run() {
    const Value* globals = document_.find("Globals");
    if (globals != nullptr)
      for (const std::string& key : globals->keys())
        if (key != "Function" && key != "SimpleTable")
          return refuse("Globals",
                        fmt::format("Globals for {} are not supported by Millrace", key));
    const Value* resources = document_.find("Resources");
    if (resources == nullptr || !resources->is_object()) return document_;
    for (std::size_t i = 0; i < resources->size(); ++i) {
      const std::string& id = resources->keys()[i];
      const Value& resource = resources->items()[i];
      const std::string type = resource.text_of("Type");
      if (type == "AWS::Serverless::Function") RETURN_IF_ERROR(expand_function(id, resource));
      else if (type == "AWS::Serverless::SimpleTable") RETURN_IF_ERROR(expand_table(id, resource));
      else if (type.starts_with("AWS::Serverless::"))
        return refuse(id, fmt::format("The type {} is not supported by Millrace", type));
      else made_.set(id, resource);
    }
    document_.set("Resources", std::move(made_));
    document_.erase("Globals");
    drop_transform();
    return std::move(document_);
  }

 private:
  void drop_transform() {
    const Value* declared = document_.find("Transform");
    Value rest = Value::list();
    for (const Value& item : declared->items())
      if (item.text() != kServerless) rest.push(item);
    if (rest.empty()) document_.erase("Transform");
    else document_.set("Transform", std::move(rest));
  }

  // A resource's own properties over the globals'; one level of objects is merged.
  Value with_globals(std::string_view kind, const Value& resource) const {
    Value merged = Value::object();
    const Value* globals = document_.find("Globals");
    if (globals != nullptr)
      if (const Value* defaults = globals->find(kind); defaults != nullptr && defaults->is_object())
        merged = *defaults;
    const Value* own = resource.find("Properties");
    for (std::size_t i = 0; own != nullptr && own->is_object() && i < own->size(); ++i) {
      Value* existing = merged.find(own->keys()[i]);
      const Value& value = own->items()[i];
      if (existing == nullptr || !existing->is_object() || !value.is_object()) {
        merged.set(own->keys()[i], value);
        continue;
      }
      for (std::size_t j = 0; j < value.size(); ++j)
        existing->set(value.keys()[j], value.items()[j]);
    }
    return merged;
  }

  // The same resource with another type and properties; DependsOn, Condition and the like stay.
  static Value retyped(const Value& resource, std::string_view type, Value properties) {
    Value made = resource;
    made.set("Type", text(type));
    made.set("Properties", std::move(properties));
    return made;
  }

  base::Result<Value> code_of(const std::string& id, const Value& properties) const {
    if (const Value* code = properties.find("InlineCode"))
      return Value::object({"ZipFile"}, {*code});
    if (const Value* image = properties.find("ImageUri"))
      return Value::object({"ImageUri"}, {*image});
    const Value* uri = properties.find("CodeUri");
    if (uri == nullptr) return refuse(id, "Missing required property 'CodeUri'.");
    if (uri->is_object() && uri->has("Bucket")) {
      Value code = Value::object({"S3Bucket"}, {*uri->find("Bucket")});
      if (const Value* key = uri->find("Key")) code.set("S3Key", *key);
      if (const Value* version = uri->find("Version")) code.set("S3ObjectVersion", *version);
      return code;
    }
    const std::string& where = uri->text();
    const auto slash = where.find('/', 5);
    if (!where.starts_with("s3://") || slash == std::string::npos)
      return refuse(id,
                    "'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key' with optional "
                    "versionId query parameter.");
    return Value::object({"S3Bucket", "S3Key"},
                         {text(where.substr(5, slash - 5)), text(where.substr(slash + 1))});
  }

  base::Status expand_function(const std::string& id, const Value& resource) {
    const Value properties = with_globals("Function", resource);
    Value made = Value::object();
    ASSIGN_OR_RETURN(Value code, code_of(id, properties));
    made.set("Code", std::move(code));
    for (std::size_t i = 0; i < properties.size(); ++i) {
      const std::string& name = properties.keys()[i];
      static constexpr std::string_view kHandled[] = {
          "CodeUri",    "DeadLetterQueue",     "Events",   "ImageUri",
          "InlineCode", "PermissionsBoundary", "Policies", "Tags",
          "Tracing"};
      if (std::find(std::begin(kPlain), std::end(kPlain), name) != std::end(kPlain))
        made.set(name, properties.items()[i]);
      else if (std::find(std::begin(kHandled), std::end(kHandled), name) == std::end(kHandled))
        return refuse(id, fmt::format("Property {} is not supported by Millrace", name));
    }
    if (const Value* tracing = properties.find("Tracing"))
      made.set("TracingConfig", Value::object({"Mode"}, {*tracing}));
    if (const Value* queue = properties.find("DeadLetterQueue"))
      if (const Value* target = queue->find("TargetArn"))
        made.set("DeadLetterConfig", Value::object({"TargetArn"}, {*target}));
    made.set("Tags", tags_of(properties));
    std::vector<std::string> stream_policies;
    if (const Value* events = properties.find("Events"))
      for (std::size_t i = 0; i < events->size(); ++i)
        RETURN_IF_ERROR(expand_event(id, events->keys()[i], events->items()[i], stream_policies));
    if (!properties.has("Role")) {
      RETURN_IF_ERROR(add_role(id, resource, properties, stream_policies));
      made.set("Role",
               Value::object({"Fn::GetAtt"}, {Value::list({text(id + "Role"), text("Arn")})}));
    }
    made_.set(id, retyped(resource, "AWS::Lambda::Function", std::move(made)));
    return {};
  }

  base::Status expand_event(const std::string& id, const std::string& name, const Value& event,
                            std::vector<std::string>& stream_policies) {
    const std::string type = event.text_of("Type");
    if (type != "Kinesis" && type != "DynamoDB")
      return refuse(id,
                    fmt::format("Event {} of type {} is not supported by Millrace", name, type));
    Value properties = event.has("Properties") ? *event.find("Properties") : Value::object();
    if (const Value* stream = properties.find("Stream")) {
      const Value arn = *stream;
      properties.erase("Stream");
      properties.set("EventSourceArn", arn);
    }
    properties.set("FunctionName", ref_to(id));
    stream_policies.push_back(type == "Kinesis" ? "AWSLambdaKinesisExecutionRole"
                                                : "AWSLambdaDynamoDBExecutionRole");
    Value mapping = Value::object({"Type", "Properties"},
                                  {text("AWS::Lambda::EventSourceMapping"), std::move(properties)});
    made_.set(id + name, std::move(mapping));
    return {};
  }

  base::Status add_role(const std::string& id, const Value& resource, const Value& properties,
                        const std::vector<std::string>& stream_policies) {
    Value arns =
        Value::list({text("arn:aws:iam::aws:policy/service-role/"
                          "AWSLambdaBasicExecutionRole")});
    for (const std::string& name : stream_policies) {
      Value arn = text("arn:aws:iam::aws:policy/service-role/" + name);
      if (std::find(arns.items().begin(), arns.items().end(), arn) == arns.items().end())
        arns.push(std::move(arn));
    }
    Value inline_policies = Value::list();
    if (const Value* policies = properties.find("Policies")) {
      const std::vector<Value> single = {*policies};
      for (const Value& policy : policies->is_list() ? policies->items() : single) {
        if (policy.is_string()) {
          arns.push(policy.text().starts_with("arn:")
                        ? policy
                        : text("arn:aws:iam::aws:policy/" + policy.text()));
        } else if (policy.has("Statement")) {
          inline_policies.push(Value::object(
              {"PolicyName", "PolicyDocument"},
              {text(fmt::format("{}RolePolicy{}", id, inline_policies.size())), policy}));
        } else if (policy.has("Ref") ||
                   (policy.size() == 1 && policy.keys()[0].starts_with("Fn::"))) {
          arns.push(policy);
        } else {
          return refuse(id,
                        fmt::format("The policy template {} is not supported by Millrace; write "
                                    "its statements instead",
                                    policy.size() > 0 ? policy.keys()[0] : ""));
        }
      }
    }
    Value statement = Value::object(
        {"Effect", "Principal", "Action"},
        {text("Allow"), Value::object({"Service"}, {Value::list({text("lambda.amazonaws.com")})}),
         Value::list({text("sts:AssumeRole")})});
    Value role =
        Value::object({"AssumeRolePolicyDocument", "ManagedPolicyArns", "Tags"},
                      {Value::object({"Version", "Statement"},
                                     {text("2012-10-17"), Value::list({std::move(statement)})}),
                       std::move(arns), tags_of(Value::object())});
    if (!inline_policies.empty()) role.set("Policies", std::move(inline_policies));
    if (const Value* boundary = properties.find("PermissionsBoundary"))
      role.set("PermissionsBoundary", *boundary);
    Value declared =
        Value::object({"Type", "Properties"}, {text("AWS::IAM::Role"), std::move(role)});
    if (const Value* condition = resource.find("Condition")) declared.set("Condition", *condition);
    made_.set(id + "Role", std::move(declared));
    return {};
  }

  base::Status expand_table(const std::string& id, const Value& resource) {
    const Value properties = with_globals("SimpleTable", resource);
    std::string key = "id";
    std::string type = "S";
    if (const Value* primary = properties.find("PrimaryKey")) {
      key = primary->text_of("Name", "id");
      const std::string named = primary->text_of("Type", "String");
      type = named == "Number" ? "N" : named == "Binary" ? "B" : "S";
    }
    Value made = Value::object(
        {"AttributeDefinitions", "KeySchema"},
        {Value::list({Value::object({"AttributeName", "AttributeType"}, {text(key), text(type)})}),
         Value::list({Value::object({"AttributeName", "KeyType"}, {text(key), text("HASH")})})});
    for (const char* name : {"TableName", "SSESpecification", "ProvisionedThroughput",
                             "PointInTimeRecoverySpecification"})
      if (const Value* value = properties.find(name)) made.set(name, *value);
    if (!made.has("ProvisionedThroughput")) made.set("BillingMode", text("PAY_PER_REQUEST"));
    if (properties.has("Tags")) made.set("Tags", tags_of(properties));
    made_.set(id, retyped(resource, "AWS::DynamoDB::Table", std::move(made)));
    return {};
  }

  Value document_;
  Value made_ = Value::object();
};

}  // namespace

base::Result<std::string> expand_transforms(const std::string& text) {
  ASSIGN_OR_RETURN(Value document, parse_document(text));
  const Value* declared = document.find("Transform");
  if (declared == nullptr) return text;
  const bool is_serverless =
      declared->text() == kServerless ||
      std::any_of(declared->items().begin(), declared->items().end(),
                  [](const Value& item) { return item.text() == kServerless; });
  if (!is_serverless) return text;
  ASSIGN_OR_RETURN(const Value expanded, Serverless(std::move(document)).run());
  return to_json(expanded);
}

}  // namespace stacks

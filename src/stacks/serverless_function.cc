#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "stacks/serverless.h"

namespace stacks::serverless {

namespace {

// Properties that go over as they are.
constexpr std::string_view kPlain[] = {"Architectures",
                                       "CodeSigningConfigArn",
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
                                       "RecursiveLoop",
                                       "ReservedConcurrentExecutions",
                                       "Role",
                                       "Runtime",
                                       "RuntimeManagementConfig",
                                       "SnapStart",
                                       "Timeout",
                                       "VpcConfig"};

// Properties that become something else.
constexpr std::string_view kHandled[] = {"AssumeRolePolicyDocument",
                                         "AutoPublishAlias",
                                         "AutoPublishAliasAllProperties",
                                         "AutoPublishCodeSha256",
                                         "CodeUri",
                                         "DeadLetterQueue",
                                         "DeploymentPreference",
                                         "Events",
                                         "EventInvokeConfig",
                                         "FunctionUrlConfig",
                                         "ImageUri",
                                         "InlineCode",
                                         "PermissionsBoundary",
                                         "Policies",
                                         "PropagateTags",
                                         "ProvisionedConcurrencyConfig",
                                         "RolePath",
                                         "Tags",
                                         "Tracing",
                                         "VersionDeletionPolicy",
                                         "VersionDescription"};

// What an event of a stream or a table may say.
constexpr std::string_view kEventProperties[] = {"BatchSize",
                                                 "BisectBatchOnFunctionError",
                                                 "DestinationConfig",
                                                 "Enabled",
                                                 "FilterCriteria",
                                                 "FunctionResponseTypes",
                                                 "KmsKeyArn",
                                                 "LoggingConfig",
                                                 "MaximumBatchingWindowInSeconds",
                                                 "MaximumRecordAgeInSeconds",
                                                 "MaximumRetryAttempts",
                                                 "MetricsConfig",
                                                 "ParallelizationFactor",
                                                 "StartingPosition",
                                                 "StartingPositionTimestamp",
                                                 "Stream",
                                                 "TumblingWindowInSeconds"};

template <std::size_t N>
bool is_among(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_function(const Value& value) {
  return value.size() == 1 && value.is_object() &&
         (value.keys()[0] == "Ref" || value.keys()[0].starts_with("Fn::"));
}

bool is_no_value(const Value& value) { return value.text_of("Ref") == "AWS::NoValue"; }

std::string managed_policy_arn(std::string_view name) {
  static constexpr std::string_view kOfServices[] = {
      "AWSLambdaBasicExecutionRole",    "AWSLambdaDynamoDBExecutionRole",
      "AWSLambdaENIManagementAccess",   "AWSLambdaKinesisExecutionRole",
      "AWSLambdaMSKExecutionRole",      "AWSLambdaRole",
      "AWSLambdaSQSQueueExecutionRole", "AWSLambdaVPCAccessExecutionRole"};
  if (name.starts_with("arn:")) return std::string(name);
  return fmt::format("arn:aws:iam::aws:policy/{}{}",
                     is_among(kOfServices, name) ? "service-role/" : "", name);
}

Value named_policy(std::string name, Value document) {
  return Value::object({"PolicyName", "PolicyDocument"}, {text(name), std::move(document)});
}

Value document_of(std::vector<Value> statements) {
  return Value::object({"Statement"}, {Value::list(std::move(statements))});
}

Value s3_destination_policy(const std::string& id, const Value& bucket) {
  Value objects =
      Value::object({"Fn::Join"}, {Value::list({text("/"), Value::list({bucket, text("*")})})});
  return named_policy(id + "S3Policy", document_of({allow(text("s3:PutObject"), std::move(objects)),
                                                    allow(text("s3:ListBucket"), bucket)}));
}

class Function {
 public:
  Function(const std::string& id, const Value& resource, const Parameters& parameters)
      : id_(id), resource_(resource), parameters_(parameters) {
    const Value* properties = resource.find("Properties");
    if (properties != nullptr && properties->is_object()) properties_ = *properties;
    for (const char* name : {"AutoPublishAlias", "AutoPublishCodeSha256"})
      if (const Value* named = properties_.find(name))
        properties_.set(name, with_parameters(*named, parameters));
  }

  base::Result<Expansion> run() {
    RETURN_IF_ERROR(make_function());
    RETURN_IF_ERROR(make_version());
    RETURN_IF_ERROR(make_url());
    RETURN_IF_ERROR(make_invoke_config());
    RETURN_IF_ERROR(make_events());
    if (!properties_.has("Role")) {
      RETURN_IF_ERROR(make_role());
      function_.set("Role", attribute_of(id_ + "Role", "Arn"));
    }
    Value function = resource_;
    function.set("Type", text("AWS::Lambda::Function"));
    function.set("Properties", std::move(function_));
    made_.resources.set(id_, std::move(function));
    return std::move(made_);
  }

 private:
  base::Result<Value> code() const {
    if (const Value* inline_code = properties_.find("InlineCode"))
      return Value::object({"ZipFile"}, {*inline_code});
    if (const Value* image = properties_.find("ImageUri"))
      return Value::object({"ImageUri"}, {*image});
    const Value* uri = properties_.find("CodeUri");
    if (uri == nullptr) return refuse(id_, "Missing required property 'CodeUri'.");
    return location_of(id_, "CodeUri", *uri);
  }

  base::Status make_function() {
    ASSIGN_OR_RETURN(Value where, code());
    function_.set("Code", std::move(where));
    for (std::size_t i = 0; i < properties_.size(); ++i) {
      const std::string& name = properties_.keys()[i];
      if (is_among(kPlain, name)) function_.set(name, properties_.items()[i]);
      else if (!is_among(kHandled, name))
        return refuse(id_, fmt::format("Property {} is not supported by Millrace.", name));
    }
    if (const Value* tracing = properties_.find("Tracing"))
      function_.set("TracingConfig", Value::object({"Mode"}, {*tracing}));
    if (const Value* queue = properties_.find("DeadLetterQueue"))
      if (const Value* target = queue->find("TargetArn"))
        function_.set("DeadLetterConfig", Value::object({"TargetArn"}, {*target}));
    function_.set("Tags", tags());
    if (const Value* preference = properties_.find("DeploymentPreference"))
      if (preference->text_of("Enabled") != "false")
        return refuse(id_, "Property DeploymentPreference is not supported by Millrace.");
    return {};
  }

  // Tags that are propagated take the place of what marks SAM's resources.
  Value tags() const {
    const Value* own = properties_.find("Tags");
    return tags_of(own, own == nullptr || properties_.text_of("PropagateTags") != "true");
  }

  // AutoPublishAlias: a version whose id changes with the code, and an alias that shows it.
  base::Status make_version() {
    const Value* alias = properties_.find("AutoPublishAlias");
    if (alias == nullptr) {
      if (properties_.has("ProvisionedConcurrencyConfig"))
        return refuse(id_,
                      "To set ProvisionedConcurrencyConfig AutoPublishALias must be defined "
                      "on the function");
      return {};
    }
    if (!alias->is_scalar() || alias->text().empty())
      return refuse(id_, "'AutoPublishAlias' must be a string or a Ref to a template parameter");
    std::string digits = digits_of(counted_content());
    if (const Value* given = properties_.find("AutoPublishCodeSha256")) {
      if (!given->is_string()) return refuse(id_, "AutoPublishCodeSha256 must be a string");
      digits = given->text().substr(0, 10);
      describe_code(*given);
    }
    version_ = fmt::format("{}Version{}", id_, digits);
    Value version = Value::object({"FunctionName"}, {ref_to(id_)});
    if (const Value* description = properties_.find("VersionDescription"))
      version.set("Description", *description);
    Value declared = resource_like(resource_, "AWS::Lambda::Version", std::move(version));
    if (!declared.has("DeletionPolicy"))
      declared.set("DeletionPolicy", text(properties_.text_of("VersionDeletionPolicy", "Retain")));
    made_.resources.set(version_, std::move(declared));

    alias_ = fmt::format("{}Alias{}", id_, letters_of(alias->text()));
    Value shown = Value::object({"Name", "FunctionName", "FunctionVersion"},
                                {*alias, ref_to(id_), attribute_of(version_, "Version")});
    if (const Value* provisioned = properties_.find("ProvisionedConcurrencyConfig"))
      shown.set("ProvisionedConcurrencyConfig", *provisioned);
    made_.resources.set(alias_, resource_like(resource_, "AWS::Lambda::Alias", std::move(shown)));
    made_.renamed.emplace(id_ + ".Version", version_);
    made_.renamed.emplace(id_ + ".Alias", alias_);
    return {};
  }

  static std::string letters_of(const std::string& alias) {
    std::string letters = alias;
    std::replace(letters.begin(), letters.end(), '-', 'D');
    std::replace(letters.begin(), letters.end(), '_', 'U');
    return letters;
  }

  // What a new version is published for.
  Value counted_content() const {
    if (properties_.text_of("AutoPublishAliasAllProperties") == "true") return function_;
    Value content = with_parameters(*function_.find("Code"), parameters_);
    if (const Value* environment = properties_.find("Environment"))
      for (std::size_t i = 0; environment->is_object() && i < environment->size(); ++i)
        content.set(environment->keys()[i], environment->items()[i]);
    if (const Value* memory = properties_.find("MemorySize")) content.set("MemorySize", *memory);
    return content;
  }

  // A function whose code alone changed has to change too, or no version would be published.
  void describe_code(const Value& digest) {
    const Value* description = properties_.find("Description");
    if (description == nullptr || description->text() == "")
      function_.set(
          "Description",
          description == nullptr || description->is_scalar()
              ? digest
              : Value::object({"Fn::Join"},
                              {Value::list({text(" "), Value::list({*description, digest})})}));
    else function_.set("Description", text(description->text() + " " + digest.text()));
  }

  Value callee() const { return ref_to(alias_.empty() ? id_ : alias_); }

  base::Status make_url() {
    const Value* config = properties_.find("FunctionUrlConfig");
    if (config == nullptr) return {};
    const Value* auth = config->find("AuthType");
    if (auth == nullptr ||
        (auth->is_scalar() && auth->text() != "AWS_IAM" && auth->text() != "NONE"))
      return refuse(id_,
                    "AuthType is required to configure function property "
                    "`FunctionUrlConfig`. Please provide either AWS_IAM or NONE.");
    Value url = Value::object({"TargetFunctionArn", "AuthType"}, {callee(), *auth});
    for (const char* name : {"Cors", "InvokeMode"})
      if (const Value* value = config->find(name)) url.set(name, *value);
    made_.resources.set(id_ + "Url", resource_like(resource_, "AWS::Lambda::Url", std::move(url)));
    if (auth->text() != "NONE") return {};
    permit("UrlPublicPermissions", "lambda:InvokeFunctionUrl", "FunctionUrlAuthType", *auth);
    permit("URLInvokeAllowPublicAccess", "lambda:InvokeFunction", "InvokedViaFunctionUrl",
           Value::boolean(true));
    return {};
  }

  void permit(std::string_view suffix, std::string_view action, std::string condition,
              Value value) {
    Value permission =
        Value::object({"Action", "FunctionName", "Principal"}, {text(action), callee(), text("*")});
    permission.set(std::move(condition), std::move(value));
    made_.resources.set(fmt::format("{}{}", id_, suffix),
                        resource_like(resource_, "AWS::Lambda::Permission", std::move(permission)));
  }

  base::Status make_invoke_config() {
    const Value* config = properties_.find("EventInvokeConfig");
    if (config == nullptr) return {};
    const std::string id = id_ + "EventInvokeConfig";
    const Value* alias = properties_.find("AutoPublishAlias");
    Value made = Value::object({"FunctionName", "Qualifier"},
                               {ref_to(id_), alias == nullptr ? text("$LATEST") : *alias});
    for (const char* name : {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"})
      if (const Value* value = config->find(name)) made.set(name, *value);
    Value destinations = Value::object();
    if (const Value* given = config->find("DestinationConfig"))
      for (const char* name : {"OnSuccess", "OnFailure"})
        if (const Value* one = given->find(name)) {
          ASSIGN_OR_RETURN(Value destination, invoke_destination(id + name, *one));
          destinations.set(name, std::move(destination));
        }
    made.set("DestinationConfig", std::move(destinations));
    Value declared = resource_like(resource_, "AWS::Lambda::EventInvokeConfig", std::move(made));
    if (!alias_.empty()) declared.set("DependsOn", Value::list({text(alias_)}));
    if (const Value* metadata = resource_.find("Metadata")) declared.set("Metadata", *metadata);
    made_.resources.set(id, std::move(declared));
    return {};
  }

  base::Result<Value> invoke_destination(const std::string& id, const Value& one) {
    const Value* destination = one.find("Destination");
    const std::string type = one.text_of("Type");
    if (destination == nullptr || (type != "Lambda" && type != "S3Bucket"))
      return refuse(id_, fmt::format("A destination of type {} without a Destination or other "
                                     "than Lambda and S3Bucket is not supported by Millrace.",
                                     type));
    if (type == "Lambda")
      destination_policies_.push_back(named_policy(
          id + "LambdaPolicy", document_of({allow(text("lambda:InvokeFunction"), *destination)})));
    else destination_policies_.push_back(s3_destination_policy(id, *destination));
    return Value::object({"Destination"}, {*destination});
  }

  // By their names: the role's policies follow in that order.
  base::Status make_events() {
    const Value* events = properties_.find("Events");
    if (events == nullptr || !events->is_object()) return {};
    std::vector<std::string> names = events->keys();
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) RETURN_IF_ERROR(make_event(name, *events->find(name)));
    return {};
  }

  base::Status make_event(const std::string& name, const Value& event) {
    const std::string type = event.text_of("Type");
    const auto invalid = [&](std::string_view message) {
      return refuse(id_, fmt::format("Event with id [{}] is invalid. {}", name, message));
    };
    if (type != "Kinesis" && type != "DynamoDB")
      return invalid(fmt::format("Events of type {} are not supported by Millrace.", type));
    Value mapping = Value::object({"FunctionName"}, {callee()});
    const Value* given = event.find("Properties");
    if (given == nullptr || !given->has("Stream"))
      return invalid("Missing required property 'Stream'.");
    if (!given->has("StartingPosition"))
      return invalid("StartingPosition is required for Kinesis, DynamoDB and MSK.");
    for (std::size_t i = 0; i < given->size(); ++i) {
      const std::string& key = given->keys()[i];
      if (!is_among(kEventProperties, key))
        return invalid(fmt::format("property {} not defined for resource of type {}", key, type));
      mapping.set(key == "Stream" ? "EventSourceArn" : key, given->items()[i]);
    }
    if (Value* destinations = mapping.find("DestinationConfig"))
      if (Value* failure = destinations->find("OnFailure")) {
        const std::string kind = failure->text_of("Type");
        const Value* bucket = failure->find("Destination");
        if (kind != "" && kind != "S3")
          return invalid(
              fmt::format("Destinations of type {} are not supported by Millrace.", kind));
        if (kind == "S3" && bucket != nullptr)
          event_policies_.push_back(s3_destination_policy(id_ + name, *bucket));
        failure->erase("Type");
      }
    event_roles_.push_back(type == "Kinesis" ? "AWSLambdaKinesisExecutionRole"
                                             : "AWSLambdaDynamoDBExecutionRole");
    made_.resources.set(id_ + name, resource_like(resource_, "AWS::Lambda::EventSourceMapping",
                                                  std::move(mapping)));
    return {};
  }

  base::Status make_role() {
    add_managed(text(managed_policy_arn("AWSLambdaBasicExecutionRole")));
    if (const Value* tracing = properties_.find("Tracing"))
      if (tracing->text() != "Disabled")
        add_managed(text(managed_policy_arn("AWSXrayWriteOnlyAccess")));
    if (properties_.has("VpcConfig"))
      add_managed(text(managed_policy_arn("AWSLambdaVPCAccessExecutionRole")));
    inline_policies_ = destination_policies_;
    if (const Value* policies = properties_.find("Policies")) {
      const std::vector<Value> single = {*policies};
      std::size_t index = 0;
      for (const Value& policy : policies->is_list() ? policies->items() : single)
        RETURN_IF_ERROR(add_policy(policy, index++));
    }
    for (const std::string_view name : event_roles_) add_managed(text(managed_policy_arn(name)));
    for (Value& policy : event_policies_) inline_policies_.push_back(std::move(policy));
    Value role = Value::object({"AssumeRolePolicyDocument", "ManagedPolicyArns", "Tags"},
                               {trust(), Value::list(std::move(managed_)), tags()});
    if (!inline_policies_.empty()) role.set("Policies", Value::list(std::move(inline_policies_)));
    if (const Value* boundary = properties_.find("PermissionsBoundary"))
      role.set("PermissionsBoundary", *boundary);
    if (const Value* path = properties_.find("RolePath")) role.set("Path", *path);
    made_.resources.set(id_ + "Role", resource_like(resource_, "AWS::IAM::Role", std::move(role)));
    return {};
  }

  Value trust() const {
    if (const Value* own = properties_.find("AssumeRolePolicyDocument")) return *own;
    Value service = Value::object({"Service"}, {Value::list({text("lambda.amazonaws.com")})});
    Value statement =
        Value::object({"Action", "Effect", "Principal"},
                      {Value::list({text("sts:AssumeRole")}), text("Allow"), std::move(service)});
    return Value::object({"Version", "Statement"},
                         {text("2012-10-17"), Value::list({std::move(statement)})});
  }

  void add_managed(Value arn) {
    if (std::find(managed_.begin(), managed_.end(), arn) == managed_.end())
      managed_.push_back(std::move(arn));
  }

  base::Status add_policy(const Value& policy, std::size_t index) {
    if (is_no_value(policy)) return {};
    ASSIGN_OR_RETURN(Policy read, read_policy(policy, index));
    if (read.is_managed) add_managed(std::move(read.value));
    else inline_policies_.push_back(std::move(read.value));
    return {};
  }

  struct Policy {
    bool is_managed = false;
    Value value;  // what stands in the role's list
  };

  // A name or ARN, a policy template, a document, or a choice between two of one kind.
  base::Result<Policy> read_policy(const Value& policy, std::size_t index) const {
    const std::string name = fmt::format("{}RolePolicy{}", id_, index);
    if (policy.is_string())
      return Policy{.is_managed = true, .value = text(managed_policy_arn(policy.text()))};
    if (policy.has("Statement")) return Policy{.value = named_policy(name, policy)};
    if (const Value* choice = policy.find("Fn::If");
        choice != nullptr && choice->is_list() && choice->size() == 3)
      return read_choice(*choice, index);
    if (is_function(policy)) return Policy{.is_managed = true, .value = policy};
    if (!policy.is_object() || policy.size() != 1)
      return refuse(id_,
                    "Policies: every policy is a name, an ARN, a policy template or a "
                    "document with statements.");
    auto document = policy_of_template(policy.keys()[0], policy.items()[0]);
    if (document) return Policy{.value = named_policy(name, *std::move(document))};
    if (document.error().code == base::ErrorCode::kNotFound)
      return refuse(id_, fmt::format("The policy template {} is not supported by Millrace; write "
                                     "its statements instead.",
                                     policy.keys()[0]));
    return refuse(id_, document.error().message);
  }

  base::Result<Policy> read_choice(const Value& choice, std::size_t index) const {
    Policy both;
    Value sides = Value::list({choice.items()[0]});
    for (const Value* side : {&choice.items()[1], &choice.items()[2]}) {
      if (is_no_value(*side)) {
        sides.push(*side);
        continue;
      }
      ASSIGN_OR_RETURN(Policy read, read_policy(*side, index));
      both.is_managed = read.is_managed;
      sides.push(std::move(read.value));
    }
    both.value = Value::object({"Fn::If"}, {std::move(sides)});
    return both;
  }

  const std::string& id_;
  const Value& resource_;
  const Parameters& parameters_;
  Value properties_ = Value::object();
  Value function_ = Value::object();  // the properties of what is made
  Expansion made_;
  std::string version_;  // ids; empty without AutoPublishAlias
  std::string alias_;
  std::vector<std::string_view> event_roles_;
  std::vector<Value> destination_policies_;
  std::vector<Value> event_policies_;
  std::vector<Value> managed_;
  std::vector<Value> inline_policies_;
};

}  // namespace

base::Result<Expansion> expand_function(const std::string& id, const Value& resource,
                                        const Parameters& parameters) {
  return Function(id, resource, parameters).run();
}

}  // namespace stacks::serverless

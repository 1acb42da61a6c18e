#include <algorithm>
#include <cctype>

#include "stacks/serverless.h"

namespace stacks::serverless {

namespace {

constexpr std::string_view kEverything = "*";

// One statement: what it allows, and on what. `rest` ends an ARN of `service`; "*" alone is any
// resource. Where `also` is given, the statement names a second ARN.
struct Statement {
  std::vector<std::string_view> actions;
  std::string_view service;
  std::string_view rest;
  std::string_view also;
};

struct Template {
  std::string_view name;
  std::vector<std::string_view> parameters;
  std::vector<Statement> statements;
};

const std::vector<Template>& templates_of_tables() {
  static constexpr std::string_view kTable = "table/${tableName}";
  static constexpr std::string_view kIndexes = "table/${tableName}/index/*";
  static constexpr std::string_view kBackups = "table/${tableName}/backup/*";
  static const std::vector<Template> kTemplates = {
      {"DynamoDBCrudPolicy",
       {"TableName"},
       {{{"dynamodb:GetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Scan",
          "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem",
          "dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:ConditionCheckItem"},
         "dynamodb",
         kTable,
         kIndexes}}},
      {"DynamoDBReadPolicy",
       {"TableName"},
       {{{"dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query", "dynamodb:BatchGetItem",
          "dynamodb:DescribeTable"},
         "dynamodb",
         kTable,
         kIndexes}}},
      {"DynamoDBWritePolicy",
       {"TableName"},
       {{{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"},
         "dynamodb",
         kTable,
         kIndexes}}},
      {"DynamoDBReconfigurePolicy",
       {"TableName"},
       {{{"dynamodb:UpdateTable"}, "dynamodb", kTable, ""}}},
      {"DynamoDBStreamReadPolicy",
       {"TableName", "StreamName"},
       {{{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
         "dynamodb",
         "table/${tableName}/stream/${streamName}",
         ""},
        {{"dynamodb:ListStreams"}, "dynamodb", "table/${tableName}/stream/*", ""}}},
      {"DynamoDBBackupFullAccessPolicy",
       {"TableName"},
       {{{"dynamodb:CreateBackup", "dynamodb:DescribeContinuousBackups"}, "dynamodb", kTable, ""},
        {{"dynamodb:DeleteBackup", "dynamodb:DescribeBackup", "dynamodb:ListBackups"},
         "dynamodb",
         kBackups,
         ""}}},
      {"DynamoDBRestoreFromBackupPolicy",
       {"TableName"},
       {{{"dynamodb:RestoreTableFromBackup"}, "dynamodb", kBackups, ""},
        {{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:GetItem",
          "dynamodb:Query", "dynamodb:Scan", "dynamodb:BatchWriteItem"},
         "dynamodb",
         kTable,
         ""}}},
  };
  return kTemplates;
}

const std::vector<Template>& templates_of_buckets() {
  static constexpr std::string_view kBucket = "${bucketName}";
  static constexpr std::string_view kObjects = "${bucketName}/*";
  static const std::vector<Template> kTemplates = {
      {"S3CrudPolicy",
       {"BucketName"},
       {{{"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation", "s3:GetObjectVersion",
          "s3:PutObject", "s3:PutObjectAcl", "s3:GetLifecycleConfiguration",
          "s3:PutLifecycleConfiguration", "s3:DeleteObject"},
         "s3",
         kBucket,
         kObjects}}},
      {"S3ReadPolicy",
       {"BucketName"},
       {{{"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation", "s3:GetObjectVersion",
          "s3:GetLifecycleConfiguration"},
         "s3",
         kBucket,
         kObjects}}},
      {"S3WritePolicy",
       {"BucketName"},
       {{{"s3:PutObject", "s3:PutObjectAcl", "s3:PutLifecycleConfiguration"},
         "s3",
         kBucket,
         kObjects}}},
      {"S3FullAccessPolicy",
       {"BucketName"},
       {{{"s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectVersion", "s3:PutObject",
          "s3:PutObjectAcl", "s3:DeleteObject", "s3:DeleteObjectTagging",
          "s3:DeleteObjectVersionTagging", "s3:GetObjectTagging", "s3:GetObjectVersionTagging",
          "s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
         "s3",
         kObjects,
         ""},
        {{"s3:ListBucket", "s3:GetBucketLocation", "s3:GetLifecycleConfiguration",
          "s3:PutLifecycleConfiguration"},
         "s3",
         kBucket,
         ""}}},
  };
  return kTemplates;
}

const std::vector<Template>& other_templates() {
  static constexpr std::string_view kStream = "stream/${streamName}";
  static const std::vector<Template> kTemplates = {
      {"KinesisCrudPolicy",
       {"StreamName"},
       {{{"kinesis:AddTagsToStream", "kinesis:CreateStream",
          "kinesis:DecreaseStreamRetentionPeriod", "kinesis:DeleteStream", "kinesis:DescribeStream",
          "kinesis:DescribeStreamSummary", "kinesis:GetShardIterator",
          "kinesis:IncreaseStreamRetentionPeriod", "kinesis:ListTagsForStream",
          "kinesis:MergeShards", "kinesis:PutRecord", "kinesis:PutRecords", "kinesis:SplitShard",
          "kinesis:RemoveTagsFromStream"},
         "kinesis",
         kStream,
         ""}}},
      {"KinesisStreamReadPolicy",
       {"StreamName"},
       {{{"kinesis:ListStreams", "kinesis:DescribeLimits"}, "kinesis", "stream/*", ""},
        {{"kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
          "kinesis:GetShardIterator"},
         "kinesis",
         kStream,
         ""}}},
      {"LambdaInvokePolicy",
       {"FunctionName"},
       {{{"lambda:InvokeFunction"}, "lambda", "function:${functionName}*", ""}}},
      {"FilterLogEventsPolicy",
       {"LogGroupName"},
       {{{"logs:FilterLogEvents"}, "logs", "log-group:${logGroupName}:log-stream:*", ""}}},
      {"CloudFormationDescribeStacksPolicy",
       {},
       {{{"cloudformation:DescribeStacks"}, "cloudformation", "stack/*", ""}}},
      {"CloudWatchPutMetricPolicy",
       {},
       {{{"cloudwatch:PutMetricData"}, "cloudwatch", kEverything, ""}}},
  };
  return kTemplates;
}

const Template* find_template(std::string_view name) {
  for (const auto* templates :
       {&templates_of_tables(), &templates_of_buckets(), &other_templates()})
    for (const Template& one : *templates)
      if (one.name == name) return &one;
  return nullptr;
}

// The ARN that ends with `rest`, whose variables are the parameters, with a small first letter.
Value resource_of(const Statement& statement, std::string_view rest, const Value& parameters) {
  if (rest == kEverything) return text(kEverything);
  Value variables = Value::object();
  for (std::size_t i = 0; i < parameters.keys().size(); ++i) {
    std::string name = parameters.keys()[i];
    name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
    if (rest.find("${" + name + "}") != std::string_view::npos)
      variables.set(std::move(name), parameters.items()[i]);
  }
  return arn_of(statement.service, rest, variables.empty() ? Value() : std::move(variables));
}

}  // namespace

base::Result<Value> policy_of_template(std::string_view name, const Value& parameters) {
  const Template* found = find_template(name);
  if (found == nullptr) return base::error(base::ErrorCode::kNotFound, std::string(name));
  for (const std::string_view wanted : found->parameters)
    if (!parameters.has(wanted))
      return base::error(
          base::ErrorCode::kInvalidArgument,
          "Must specify valid parameter values for policy template '" + std::string(name) + "'");
  Value statements = Value::list();
  for (const Statement& one : found->statements) {
    Value resource = resource_of(one, one.rest, parameters);
    if (!one.also.empty() || one.service == "s3") resource = Value::list({std::move(resource)});
    if (!one.also.empty()) resource.push(resource_of(one, one.also, parameters));
    Value actions = Value::list();
    for (const std::string_view action : one.actions) actions.push(text(action));
    statements.push(allow(std::move(actions), std::move(resource)));
  }
  return Value::object({"Statement"}, {std::move(statements)});
}

}  // namespace stacks::serverless

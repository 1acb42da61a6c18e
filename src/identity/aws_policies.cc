// The managed policies of AWS that stacks around streams and functions attach, by what they allow.
#include <fmt/format.h>

#include "base/check.h"
#include "identity/directory.h"

namespace identity {
namespace {

constexpr std::string_view kLogs =
    R"("logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents")";

std::string allow(std::string_view actions) {
  return fmt::format(R"([{{"Effect":"Allow","Action":[{}],"Resource":"*"}}])", actions);
}

ManagedPolicy make(std::string_view path, std::string_view name, const std::string& statements) {
  ManagedPolicy policy;
  policy.path = path;
  policy.name = name;
  policy.id = fmt::format("ANPA{:0>17}", std::hash<std::string_view>{}(name) % 1'000'000'000);
  policy.arn = fmt::format("arn:aws:iam::aws:policy{}{}", path, name);
  policy.created = base::from_epoch_ms(1'428'600'000'000);
  policy.updated = policy.created;
  policy.aws_managed = true;
  std::string text = fmt::format(R"({{"Version":"2012-10-17","Statement":{}}})", statements);
  auto parsed = auth::parse_policy(text, auth::PolicyKind::kManaged);
  CHECK(parsed.has_value());
  auto document = std::make_shared<const auth::PolicyDocument>(*std::move(parsed));
  policy.versions.push_back(
      {.id = "v1", .policy = {std::move(text), std::move(document)}, .created = policy.created});
  return policy;
}

}  // namespace

std::vector<ManagedPolicy> aws_managed_policies() {
  constexpr std::string_view kService = "/service-role/";
  const std::string logs(kLogs);
  const std::string kinesis_read =
      R"("kinesis:DescribeStream","kinesis:DescribeStreamSummary","kinesis:GetRecords",)"
      R"("kinesis:GetShardIterator","kinesis:ListShards","kinesis:ListStreams",)"
      R"("kinesis:SubscribeToShard",)";
  const std::string dynamo_read =
      R"("dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator",)"
      R"("dynamodb:ListStreams",)";
  const std::string xray_write =
      R"("xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules",)"
      R"("xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries")";
  return {
      make(kService, "AWSLambdaBasicExecutionRole", allow(logs)),
      make(kService, "AWSLambdaKinesisExecutionRole", allow(kinesis_read + logs)),
      make(kService, "AWSLambdaDynamoDBExecutionRole", allow(dynamo_read + logs)),
      make(kService, "AWSLambdaRole", allow(R"("lambda:InvokeFunction")")),
      make("/", "AWSLambdaInvocation-DynamoDB",
           allow(R"("lambda:InvokeFunction",)" + dynamo_read.substr(0, dynamo_read.size() - 1))),
      make(
          "/", "AWSLambdaExecute",
          R"([{"Effect":"Allow","Action":["logs:*"],"Resource":"arn:aws:logs:*:*:*"},)"
          R"({"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::*"}])"),
      make("/", "AWSXrayWriteOnlyAccess", allow(xray_write)),
      make("/", "AWSXRayDaemonWriteAccess", allow(xray_write)),
      make("/", "AdministratorAccess", allow(R"("*")")),
      make(
          "/", "PowerUserAccess",
          R"([{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},)"
          R"({"Effect":"Allow","Action":["iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole",)"
          R"("iam:ListRoles"],"Resource":"*"}])"),
      make(
          "/", "ReadOnlyAccess",
          allow(
              R"("cloudformation:Describe*","cloudformation:Get*","cloudformation:List*",)"
              R"("cloudwatch:Describe*","cloudwatch:Get*","cloudwatch:List*",)"
              R"("dynamodb:BatchGet*","dynamodb:Describe*","dynamodb:Get*","dynamodb:List*",)"
              R"("dynamodb:PartiQLSelect","dynamodb:Query","dynamodb:Scan",)"
              R"("iam:Get*","iam:List*","kinesis:Describe*","kinesis:Get*","kinesis:List*",)"
              R"("lambda:Get*","lambda:List*","logs:Describe*","logs:FilterLogEvents","logs:Get*",)"
              R"("logs:ListTagsForResource","logs:StartQuery","s3:Get*","s3:List*",)"
              R"("sts:GetCallerIdentity")")),
      make("/", "IAMFullAccess", allow(R"("iam:*")")),
      make(
          "/", "IAMReadOnlyAccess",
          allow(
              R"("iam:Get*","iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy")")),
      make("/", "AmazonKinesisFullAccess", allow(R"("kinesis:*")")),
      make("/", "AmazonKinesisReadOnlyAccess",
           allow(R"("kinesis:Get*","kinesis:List*","kinesis:Describe*")")),
      make("/", "AmazonDynamoDBFullAccess", allow(R"("dynamodb:*")")),
      make(
          "/", "AmazonDynamoDBReadOnlyAccess",
          allow(R"("dynamodb:BatchGetItem","dynamodb:Describe*","dynamodb:List*",)"
                R"("dynamodb:GetItem","dynamodb:Query","dynamodb:Scan","dynamodb:PartiQLSelect")")),
      make("/", "AmazonS3FullAccess", allow(R"("s3:*","s3-object-lambda:*")")),
      make("/", "AmazonS3ReadOnlyAccess", allow(R"("s3:Get*","s3:List*","s3:Describe*")")),
      make("/", "AWSLambda_FullAccess",
           allow(R"("lambda:*","logs:DescribeLogGroups","iam:PassRole","cloudformation:Describe*",)"
                 R"("cloudwatch:*","iam:GetPolicy","iam:GetRole","iam:ListRoles")")),
      make("/", "AWSLambda_ReadOnlyAccess", allow(R"("lambda:Get*","lambda:List*")")),
      make("/", "AWSCloudFormationFullAccess", allow(R"("cloudformation:*")")),
      make("/", "CloudWatchLogsFullAccess", allow(R"("logs:*")")),
      make("/", "CloudWatchLogsReadOnlyAccess",
           allow(R"("logs:Describe*","logs:Get*","logs:List*","logs:StartQuery","logs:StopQuery",)"
                 R"("logs:TestMetricFilter","logs:FilterLogEvents","logs:StartLiveTail")")),
      make("/", "CloudWatchFullAccess", allow(R"("cloudwatch:*","logs:*")")),
  };
}

}  // namespace identity

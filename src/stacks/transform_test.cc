#include "stacks/transform.h"

#include <gtest/gtest.h>

#include "stacks/template.h"

namespace stacks {
namespace {

TEST(Serverless, LeavesOtherTemplatesAlone) {
  const std::string text = "Resources:\n  A: {Type: 'AWS::SQS::Queue'}\n";
  EXPECT_EQ(*expand_transforms(text), text);
}

TEST(Serverless, MakesAFunctionAMappingAndARole) {
  const auto expanded = expand_transforms(R"(
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 10, MemorySize: 256}}
Resources:
  S: {Type: 'AWS::Kinesis::Stream', Properties: {ShardCount: 1}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      Runtime: nodejs6.10
      MemorySize: 128
      CodeUri: s3://bucket/some/key.zip
      Events:
        Stream:
          Type: Kinesis
          Properties: {Stream: !GetAtt S.Arn, StartingPosition: TRIM_HORIZON, BatchSize: 25}
)");
  ASSERT_TRUE(expanded) << expanded.error().message;
  const auto parsed = parse_template(*expanded);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto* function = parsed->resource("F");
  ASSERT_NE(function, nullptr);
  EXPECT_EQ(function->type, "AWS::Lambda::Function");
  EXPECT_EQ(function->properties.text_of("Timeout"), "10");
  EXPECT_EQ(function->properties.text_of("MemorySize"), "128");
  EXPECT_EQ(to_json(*function->properties.find("Code")),
            R"({"S3Bucket":"bucket","S3Key":"some/key.zip"})");
  const auto* mapping = parsed->resource("FStream");
  ASSERT_NE(mapping, nullptr);
  EXPECT_EQ(to_json(mapping->properties),
            R"({"FunctionName":{"Ref":"F"},"EventSourceArn":{"Fn::GetAtt":["S","Arn"]},)"
            R"("StartingPosition":"TRIM_HORIZON","BatchSize":25})");
  ASSERT_NE(parsed->resource("FRole"), nullptr);
  EXPECT_TRUE(parsed->transforms.empty());
  EXPECT_EQ(needed_capabilities(*parsed).capabilities, std::vector<std::string>{"CAPABILITY_IAM"});
}

// Checked against what AWS's translator makes of the same template.
TEST(Serverless, PublishesAVersionThatItsCodeNames) {
  const auto expanded = expand_transforms(R"(
Transform: AWS::Serverless-2016-10-31
Resources:
  Common:
    Type: AWS::Serverless::LayerVersion
    Metadata: {Any: thing}
    Properties: {ContentUri: s3://b/l, CompatibleRuntimes: [python3.12]}
  Counter:
    Type: AWS::Serverless::Function
    Condition: Wanted
    Properties:
      CodeUri: s3://b/k
      Handler: count.handler
      MemorySize: 256
      AutoPublishAlias: live-1
      Layers: [!Ref Common]
      Environment: {Variables: {STAGE: !Ref Stage, TABLE: !Ref Counts}}
      Events: {Words: {Type: Kinesis, Properties: {Stream: x, StartingPosition: LATEST}}}
Parameters: {Stage: {Type: String}, Counts: {Type: String}}
Conditions: {Wanted: !Equals [!Ref Stage, a]}
Outputs:
  Version: {Value: !GetAtt Counter.Version.Version}
  Alias: {Value: !Sub "${Counter.Alias} ${Common} ${!Common} ${CommonS}"}
)");
  ASSERT_TRUE(expanded) << expanded.error().message;
  const Value made = *parse_document(*expanded);
  const Value& resources = *made.find("Resources");
  for (const char* id : {"Common46cc14f261", "Counter", "CounterVersion33b634da4a",
                         "CounterAliasliveD1", "CounterWords", "CounterRole"})
    EXPECT_TRUE(resources.has(id)) << id << to_json(resources);
  EXPECT_EQ(resources.find("CounterVersion33b634da4a")->text_of("DeletionPolicy"), "Retain");
  EXPECT_EQ(resources.find("CounterAliasliveD1")->text_of("Condition"), "Wanted");
  EXPECT_EQ(to_json(*resources.find("CounterWords")->find("Properties")->find("FunctionName")),
            R"({"Ref":"CounterAliasliveD1"})");
  EXPECT_EQ(to_json(*resources.find("Counter")->find("Properties")->find("Layers")),
            R"([{"Ref":"Common46cc14f261"}])");
  EXPECT_EQ(to_json(*made.find("Outputs")),
            R"({"Version":{"Value":{"Fn::GetAtt":["CounterVersion33b634da4a","Version"]}},)"
            R"("Alias":{"Value":{"Fn::Sub":"${CounterAliasliveD1} ${Common46cc14f261} )"
            R"(${!Common} ${CommonS}"}}})");
}

TEST(Serverless, TakesNamesFromParameters) {
  const std::string source = R"({"Transform": "AWS::Serverless-2016-10-31",
      "Parameters": {"Stage": {"Type": "String", "Default": "test"}, "Key": {"Type": "String"}},
      "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": {
          "CodeUri": {"Bucket": "b", "Key": {"Ref": "Key"}},
          "AutoPublishAlias": {"Ref": "Stage"}}}}})";
  const auto ids = [&](const std::map<std::string, std::string>& given) {
    return parse_document(*expand_transforms(source, given))->find("Resources")->keys();
  };
  const auto first = ids({{"Key", "k"}});
  EXPECT_EQ(first[1], "FAliastest");
  EXPECT_EQ(ids({{"Key", "k"}, {"Stage", "live"}})[1], "FAliaslive");
  EXPECT_NE(ids({{"Key", "other"}})[0], first[0]);
  // Only the id depends on the value: the code itself still refers to it.
  EXPECT_NE(expand_transforms(source, {{"Key", "k"}})->find(R"("S3Key":{"Ref":"Key"})"),
            std::string::npos);
}

TEST(Serverless, MergesGlobalsInDepth) {
  const auto expanded = expand_transforms(R"(
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Globals:
  Function:
    Layers: [a]
    Timeout: 3
    Environment: {Variables: {A: 1, B: {Ref: X}}}
  Api: {Name: unused}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {InlineCode: x, Layers: [b], Role: r, Environment: {Variables: {B: 2, C: 3}}}
  G:
    Type: AWS::Serverless::Function
    IgnoreGlobals: [Layers, Environment]
    Properties: {InlineCode: x, Role: r}
)");
  ASSERT_TRUE(expanded) << expanded.error().message;
  const Value made = *parse_document(*expanded);
  EXPECT_EQ(to_json(*made.find("Transform")), R"(["AWS::LanguageExtensions"])");
  EXPECT_FALSE(made.has("Globals"));
  const Value& f = *made.find("Resources")->find("F")->find("Properties");
  EXPECT_EQ(to_json(*f.find("Layers")), R"(["a","b"])");
  EXPECT_EQ(to_json(*f.find("Environment")->find("Variables")), R"({"A":1,"B":2,"C":3})");
  const Value& g = *made.find("Resources")->find("G")->find("Properties");
  EXPECT_EQ(g.text_of("Timeout"), "3");
  EXPECT_FALSE(g.has("Layers"));
  EXPECT_FALSE(made.find("Resources")->find("G")->has("IgnoreGlobals"));
}

TEST(Serverless, WritesPoliciesOfTemplatesAndChoices) {
  const auto expanded = expand_transforms(R"(
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: x
      Policies:
        - AWSLambdaBasicExecutionRole
        - LambdaInvokePolicy: {FunctionName: !Ref G}
        - !If [C, ReadOnlyAccess, !Ref AWS::NoValue]
        - !If [C, {CloudWatchPutMetricPolicy: {}}, !Ref AWS::NoValue]
)");
  ASSERT_TRUE(expanded) << expanded.error().message;
  const Value made = *parse_document(*expanded);
  const Value& role = *made.find("Resources")->find("FRole")->find("Properties");
  EXPECT_EQ(to_json(*role.find("ManagedPolicyArns")),
            R"(["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",)"
            R"({"Fn::If":["C","arn:aws:iam::aws:policy/ReadOnlyAccess",{"Ref":"AWS::NoValue"}]}])");
  EXPECT_EQ(
      to_json(*role.find("Policies")),
      R"([{"PolicyName":"FRolePolicy1","PolicyDocument":{"Statement":[{"Action":)"
      R"(["lambda:InvokeFunction"],"Effect":"Allow","Resource":{"Fn::Sub":["arn:${AWS::Partition})"
      R"(:lambda:${AWS::Region}:${AWS::AccountId}:function:${functionName}*",)"
      R"({"functionName":{"Ref":"G"}}]}}]}},{"Fn::If":["C",{"PolicyName":"FRolePolicy3",)"
      R"("PolicyDocument":{"Statement":[{"Action":["cloudwatch:PutMetricData"],"Effect":"Allow",)"
      R"("Resource":"*"}]}},{"Ref":"AWS::NoValue"}]}])");
}

TEST(Serverless, MakesUrlsTablesAndStacks) {
  const auto expanded = expand_transforms(R"(
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {InlineCode: x, Role: r, FunctionUrlConfig: {AuthType: NONE}}
  T: {Type: AWS::Serverless::SimpleTable, DependsOn: F, Properties: {Tags: {a: b}}}
  S: {Type: AWS::Serverless::Application, Properties: {Location: 'https://x/y', Parameters: {A: 1}}}
)");
  ASSERT_TRUE(expanded) << expanded.error().message;
  const Value made = *parse_document(*expanded);
  const Value& resources = *made.find("Resources");
  EXPECT_EQ(to_json(*resources.find("FUrl")->find("Properties")),
            R"({"TargetFunctionArn":{"Ref":"F"},"AuthType":"NONE"})");
  EXPECT_EQ(resources.find("FUrlPublicPermissions")->find("Properties")->text_of("Action"),
            "lambda:InvokeFunctionUrl");
  EXPECT_TRUE(resources.has("FURLInvokeAllowPublicAccess"));
  EXPECT_EQ(to_json(*resources.find("T")),
            R"({"Type":"AWS::DynamoDB::Table","DependsOn":"F","Properties":{)"
            R"("AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],)"
            R"("KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],)"
            R"("BillingMode":"PAY_PER_REQUEST","Tags":[{"Key":"a","Value":"b"}]}})");
  EXPECT_EQ(to_json(*resources.find("S")),
            R"({"Type":"AWS::CloudFormation::Stack","Properties":{"TemplateURL":"https://x/y",)"
            R"("Tags":[{"Key":"lambda:createdBy","Value":"SAM"}],"Parameters":{"A":1}}})");
}

TEST(Serverless, NamesWhatItDoesNotKnow) {
  const auto refusal = [](std::string_view type, std::string_view properties) {
    const auto expanded = expand_transforms(
        R"({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"A": {"Type": ")" +
        std::string(type) + R"(", "Properties": )" + std::string(properties) + "}}}");
    return expanded ? "" : expanded.error().message;
  };
  const std::string function = "AWS::Serverless::Function";
  EXPECT_TRUE(refusal("AWS::Serverless::Api", "{}")
                  .ends_with("Resource with id [A] is invalid. The type AWS::Serverless::Api is "
                             "not supported by Millrace."));
  EXPECT_TRUE(refusal(function, "{}").ends_with("Missing required property 'CodeUri'."));
  EXPECT_TRUE(
      refusal(function, R"({"CodeUri": "src/"})").ends_with("optional versionId query parameter."));
  EXPECT_TRUE(refusal(function, R"({"InlineCode": "", "Sings": 1})")
                  .ends_with("Property Sings is not supported by Millrace."));
  EXPECT_TRUE(refusal(function, R"({"InlineCode": "", "Policies": {"SQSPollerPolicy": {}}})")
                  .find("policy template SQSPollerPolicy is not supported") != std::string::npos);
  EXPECT_TRUE(refusal(function, R"({"InlineCode": "", "Policies": {"S3ReadPolicy": {}}})")
                  .ends_with("parameter values for policy template 'S3ReadPolicy'"));
  EXPECT_TRUE(refusal(function, R"({"InlineCode": "", "Events": {"E": {"Type": "Api"}}})")
                  .ends_with("Event with id [E] is invalid. Events of type Api are not supported "
                             "by Millrace."));
  EXPECT_TRUE(refusal(function, R"({"InlineCode": "", "AutoPublishAlias": {"Ref": "A"}})")
                  .ends_with("must be a string or a Ref to a template parameter"));
  // Lists where objects belong.
  EXPECT_NE(refusal(function, "[1, 2]"), "");
  EXPECT_NE(refusal(function, R"({"InlineCode": "", "Events": {"E": {"Type": "Kinesis",
                                  "Properties": ["Stream"]}}})"),
            "");
  EXPECT_EQ(refusal(function, R"({"InlineCode": "", "Environment": [1], "Events": [1],
                                  "Policies": {"CloudFormationDescribeStacksPolicy": [1]}})"),
            "");
  const auto globals = expand_transforms(
      R"({"Transform": "AWS::Serverless-2016-10-31", "Globals": {"Function": {"Role": "r"}}})");
  ASSERT_FALSE(globals);
  EXPECT_TRUE(globals.error().message.ends_with(
      "'Globals' section is invalid. 'Role' is not a supported property of 'Function'."));
}

}  // namespace
}  // namespace stacks

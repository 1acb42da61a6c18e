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
            R"({"StartingPosition":"TRIM_HORIZON","BatchSize":25,)"
            R"("EventSourceArn":{"Fn::GetAtt":["S","Arn"]},"FunctionName":{"Ref":"F"}})");
  ASSERT_NE(parsed->resource("FRole"), nullptr);
  EXPECT_TRUE(parsed->transforms.empty());
  EXPECT_EQ(needed_capabilities(*parsed).capabilities, std::vector<std::string>{"CAPABILITY_IAM"});
}

TEST(Serverless, NamesWhatItDoesNotKnow) {
  const auto expanded = expand_transforms(
      R"({"Transform": "AWS::Serverless-2016-10-31", "Resources": {
          "A": {"Type": "AWS::Serverless::Api"}}})");
  ASSERT_FALSE(expanded);
  EXPECT_NE(expanded.error().message.find("AWS::Serverless::Api is not supported by Millrace"),
            std::string::npos);
}

}  // namespace
}  // namespace stacks

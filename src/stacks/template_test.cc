#include "stacks/template.h"

#include <gtest/gtest.h>

#include "stacks/yaml.h"

namespace stacks {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse_template(text);
  return parsed ? "" : parsed.error().message;
}

// A template with these resources, as JSON.
std::string with_resources(std::string_view resources) {
  return R"({"Resources": )" + std::string(resources) + "}";
}

TEST(Json, KeepsNumbersAndOrderAsWritten) {
  const auto value = parse_json(R"({"b": 1.10, "a": [true, null, "\u00e9\ud83d\ude0b"]})");
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json(*value), "{\"b\":1.10,\"a\":[true,null,\"é😋\"]}");
}

TEST(Json, SaysWhereItStopped) {
  EXPECT_EQ(parse_json("{\n  \"a\": nul}").error().message,
            "JSON not well-formed. (line 2, column 8)");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{\"a\":1,}", "[1 2]", "01", "1.", "\"\n\"", "\"\\ud800\"",
                           "{} {}", "\"\xff\"", "+1", "nan"})
    EXPECT_FALSE(parse_json(text)) << text;
}

TEST(Json, RefusesDepthInsteadOfExhaustingTheStack) {
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  EXPECT_TRUE(parse_json(std::string(50, '[') + std::string(50, ']')));
}

TEST(Yaml, MakesFunctionsOfShortTags) {
  const auto value = parse_yaml(
      "a: !Ref X\n"
      "b: !GetAtt R.Outputs.Y\n"
      "c: !GetAtt [R, Arn]\n"
      "d: !Join ['', [!Sub '${A}-b', !If [C, 1, !Ref 'AWS::NoValue']]]\n");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(to_json(*value),
            R"({"a":{"Ref":"X"},"b":{"Fn::GetAtt":["R","Outputs.Y"]},)"
            R"("c":{"Fn::GetAtt":["R","Arn"]},"d":{"Fn::Join":["",[{"Fn::Sub":"${A}-b"},)"
            R"({"Fn::If":["C",1,{"Ref":"AWS::NoValue"}]}]]}})");
}

TEST(Yaml, LeavesDatesAndOddNumbersAlone) {
  const auto value = parse_yaml("v: 2012-10-17\naccount: 012345678901\nn: 25\ns: '1'\nb: yes\n");
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json(*value),
            R"({"v":"2012-10-17","account":"012345678901","n":25,"s":"1","b":true})");
}

TEST(Yaml, RefusesAliases) {
  EXPECT_EQ(parse_yaml("a: &x [1]\nb: *x\n").error().message,
            "Template error: YAML aliases are not allowed in CloudFormation templates");
}

TEST(Yaml, SaysWhereItStopped) {
  EXPECT_TRUE(parse_yaml("a: 1\n  b: 2\n")
                  .error()
                  .message.starts_with("Template format error: YAML not well-formed. (line 2"));
  EXPECT_TRUE(parse_yaml("a: !Unknown x\n")
                  .error()
                  .message.starts_with("Template format error: YAML not well-formed."));
}

TEST(Template, TakesJsonAfterAnEmptyLine) {
  EXPECT_EQ(error_of("\n" + with_resources(R"({"A": {"Type": "T::A"}})")), "");
}

TEST(Template, WordsStructuralFaultsAsAwsDoes) {
  EXPECT_EQ(error_of("{}"),
            "Template format error: At least one Resources member must be defined.");
  EXPECT_EQ(error_of("https://s3.amazonaws.com/b/k"),
            "Template format error: unsupported structure.");
  EXPECT_EQ(error_of(R"({"Resources": {"A": {"Type": "T"}}, "Resourcs": 1})"),
            "Invalid template property or properties [Resourcs]");
  EXPECT_EQ(error_of(with_resources(R"({"A": 1})")),
            "Template format error: Any Resources member must be an object.");
  EXPECT_EQ(error_of(with_resources(R"({"A": {}})")),
            "Template format error: [/Resources/A] Every Resources object must contain a Type "
            "member.");
  EXPECT_EQ(error_of(with_resources(R"({"my-bad": {"Type": "T"}})")),
            "Template format error: Resource name my-bad is non alphanumeric.");
  EXPECT_EQ(error_of(with_resources(R"({"A": {"Type": "T", "Invalid": 1}})")),
            "Invalid template resource property 'Invalid'");
  EXPECT_EQ(error_of(R"({"Resources": {"A": {"Type": "T"}}, "Outputs": {"O": {}}})"),
            "Template format error: Every Outputs member must contain a Value object");
  EXPECT_EQ(error_of(R"({"Resources": {"A": {"Type": "T"}}, "Outputs": {"O": {"Value": null}}})"),
            "[/Outputs/O/Value] 'null' values are not allowed in templates");
}

TEST(Template, RefusesPoliciesThatWouldBePassedOver) {
  EXPECT_EQ(error_of(with_resources(R"({"A": {"Type": "T", "CreationPolicy": {}}})")),
            "Millrace does not support CreationPolicy (resource A)");
  EXPECT_EQ(error_of(with_resources(R"({"A": {"Type": "T", "UpdatePolicy": {}}})")),
            "Millrace does not support UpdatePolicy (resource A)");
}

TEST(Template, NamesWhatIsReferredToAndMissing) {
  EXPECT_EQ(error_of(with_resources(R"({"A": {"Type": "T", "Properties": {"P": {"Ref": "X"}}}})")),
            "Template format error: Unresolved resource dependencies [X] in the Resources block of "
            "the template");
  EXPECT_EQ(error_of(with_resources(R"({"A": {"Type": "T", "DependsOn": "Y"}})")),
            "Template format error: Unresolved resource dependencies [Y] in the Resources block of "
            "the template");
  EXPECT_EQ(error_of(with_resources(
                R"({"A": {"Type": "T", "Properties": {"P": {"Fn::GetAtt": ["X", "Arn"]}}}})")),
            "Template error: instance of Fn::GetAtt references undefined resource X");
}

TEST(Template, NamesACycle) {
  EXPECT_EQ(error_of(with_resources(
                R"({"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "DependsOn": "C"},
                    "C": {"Type": "T", "Properties": {"P": {"Ref": "B"}}},
                    "D": {"Type": "T"}})")),
            "Circular dependency between resources: [B, C]");
}

TEST(Template, AsksForCapabilities) {
  const auto plain = parse_template(with_resources(
      R"({"U": {"Type": "AWS::IAM::User"},
          "K": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "U"}}}})"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(needed_capabilities(*plain).capabilities, std::vector<std::string>{"CAPABILITY_IAM"});
  const auto named = parse_template(
      with_resources(R"({"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "n"}}})"));
  ASSERT_TRUE(named);
  EXPECT_EQ(needed_capabilities(*named).capabilities,
            std::vector<std::string>{"CAPABILITY_NAMED_IAM"});
}

}  // namespace
}  // namespace stacks

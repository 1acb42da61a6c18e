#include "stacks/resolve.h"

#include <gtest/gtest.h>

namespace stacks {
namespace {

// A template, its parameters bound, and a scope over both.
class Resolving : public ::testing::Test {
 protected:
  void use(std::string_view text, std::vector<GivenParameter> given = {}) {
    auto parsed = parse_template(text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    source_ = *std::move(parsed);
    auto bound = bind_parameters(source_, given, {});
    ASSERT_TRUE(bound) << bound.error().message;
    parameters_ = *std::move(bound);
    scope_.source = &source_;
    scope_.parameters = &parameters_;
    scope_.pseudo = {.account = "123456789012",
                     .region = "eu-west-1",
                     .stack_name = "stack",
                     .stack_id = "arn:stack",
                     .notification_arns = {}};
    scope_.made = [this](const std::string& id) -> std::optional<MadeValues> {
      const auto found = made_.find(id);
      if (found == made_.end()) return std::nullopt;
      return found->second;
    };
    auto conditions = evaluate_conditions(scope_);
    ASSERT_TRUE(conditions) << conditions.error().message;
    scope_.conditions = *conditions;
  }

  // The JSON of what property P of resource A becomes, or the error.
  std::string property() {
    const auto value = resolve(*source_.resource("A")->properties.find("P"), scope_);
    return value ? to_json(*value) : value.error().message;
  }
  std::string resolved(const std::string& expression, const std::string& more = "") {
    use(R"({"Resources": {"R": {"Type": "T"}, "A": {"Type": "T", "Properties": {"P": )" +
        expression + "}}}" + more + "}");
    return property();
  }

  Template source_;
  BoundParameters parameters_;
  std::map<std::string, MadeValues> made_;
  Scope scope_;
};

TEST_F(Resolving, JoinsAndSubstitutes) {
  EXPECT_EQ(resolved(R"({"Fn::Join": [":", ["a", 1, {"Ref": "AWS::Region"}]]})"),
            "\"a:1:eu-west-1\"");
  EXPECT_EQ(resolved(R"({"Fn::Sub": "${AWS::AccountId}/${!Keep}/$x"})"),
            "\"123456789012/${Keep}/$x\"");
  EXPECT_EQ(resolved(R"({"Fn::Sub": ["${v}-${AWS::StackName}", {"v": {"Fn::Select": ["1",
                        {"Fn::Split": [",", "a,b,c"]}]}}]})"),
            "\"b-stack\"");
}

TEST_F(Resolving, KeepsWhatIsNotKnownYet) {
  EXPECT_EQ(resolved(R"({"Fn::Join": ["", ["x", {"Ref": "R"}]]})"),
            "\"{{changeSet:KNOWN_AFTER_APPLY}}\"");
  made_["R"] = {.ref = "r-1"};
  made_["R"].attributes.set("Arn", Value::string("arn:r"));
  EXPECT_EQ(property(), "\"xr-1\"");
  EXPECT_EQ(resolved(R"({"Fn::Sub": "${R.Arn}!"})"), "\"arn:r!\"");
}

TEST_F(Resolving, DropsNoValue) {
  EXPECT_EQ(resolved(R"({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}, 2]})"),
            "{\"b\":[1,2]}");
}

TEST_F(Resolving, EvaluatesConditions) {
  const std::string conditions = R"(, "Conditions": {
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Yes": {"Fn::And": [{"Fn::Equals": ["a", "a"]}, {"Fn::Or": [{"Fn::Equals": [1, "1"]},
                                                               {"Condition": "Yes2"}]}]},
    "Yes2": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}})";
  EXPECT_EQ(resolved(R"({"Fn::If": ["Yes", "y", "n"]})", conditions), "\"y\"");
  EXPECT_EQ(resolved(R"({"Fn::If": ["No", "y", {"Ref": "R"}]})", conditions),
            "\"{{changeSet:KNOWN_AFTER_APPLY}}\"");
}

TEST_F(Resolving, ManyLayersOfConditionsCostLittle) {
  std::string conditions = R"(, "Conditions": {"C0": {"Fn::Equals": ["a", "a"]})";
  for (int i = 1; i < 60; ++i) {
    const std::string before = R"({"Condition": "C)" + std::to_string(i - 1) + "\"}";
    conditions.insert(conditions.find('{') + 1, "\"C" + std::to_string(i) + R"(": {"Fn::And": [)" +
                                                    before + "," + before + "]},");
  }
  EXPECT_EQ(resolved(R"({"Fn::If": ["C59", 1, 2]})", conditions + "}"), "1");
}

TEST_F(Resolving, FindsInMapsAndSaysWhatIsMissing) {
  const std::string map = R"(, "Mappings": {"M": {"A": {"x": "1", "l": ["p", "q"]}}})";
  EXPECT_EQ(resolved(R"({"Fn::FindInMap": ["M", "A", "l"]})", map), "[\"p\",\"q\"]");
  EXPECT_EQ(resolved(R"({"Fn::FindInMap": ["M", "C", "x"]})", map),
            "Template error: Unable to get mapping for M::C::x");
  EXPECT_EQ(resolved(R"({"Fn::FindInMap": ["M", "C", "x", {"DefaultValue": "d"}]})", map), "\"d\"");
}

TEST_F(Resolving, CutsCidrBlocks) {
  EXPECT_EQ(resolved(R"({"Fn::Cidr": ["10.0.0.0/16", 2, 8]})"), R"(["10.0.0.0/24","10.0.1.0/24"])");
  EXPECT_EQ(resolved(R"({"Fn::Base64": "hi"})"), "\"aGk=\"");
}

TEST_F(Resolving, BoundsWhatFunctionsMake) {
  std::string parts;
  for (int i = 0; i < 2000; ++i) parts += R"({"Fn::FindInMap": ["M", "A", "x"]},)";
  parts.pop_back();
  const std::string map =
      R"(, "Mappings": {"M": {"A": {"x": ")" + std::string(20'000, 'x') + "\"}}}";
  EXPECT_TRUE(resolved(R"({"Fn::Join": ["", [)" + parts + "]]}", map)
                  .starts_with("Template error: the template's functions make more than"));
}

std::string bind_error(std::string_view parameter, std::vector<GivenParameter> given) {
  const auto parsed = parse_template(R"({"Parameters": {"X": )" + std::string(parameter) +
                                     R"(}, "Resources": {"A": {"Type": "T"}}})");
  if (!parsed) return parsed.error().message;
  const auto bound = bind_parameters(*parsed, given, {{"X", "before"}});
  return bound ? bound->at("X").text : bound.error().message;
}

TEST(Parameters, WordFaultsAsAwsDoes) {
  EXPECT_EQ(bind_error(R"({"Type": "String"})", {}), "Parameters: [X] must have values");
  EXPECT_EQ(bind_error(R"({"Type": "String", "Default": 1})", {}), "1");
  EXPECT_EQ(bind_error(R"({"Type": "String"})", {{.name = "Y", .value = "1"}}),
            "Parameters: [Y] do not exist in the template");
  EXPECT_EQ(
      bind_error(R"({"Type": "String", "AllowedValues": ["a", 1]})", {{.name = "X", .value = "b"}}),
      "Parameter 'X' must be one of AllowedValues");
  EXPECT_EQ(bind_error(R"({"Type": "Number", "MinValue": 3})", {{.name = "X", .value = "2"}}),
            "Parameter 'X' must be a number not less than 3");
  EXPECT_EQ(bind_error(R"({"Type": "String", "AllowedPattern": "[a-z]+",
                           "ConstraintDescription": "small letters"})",
                       {{.name = "X", .value = "A"}}),
            "Parameter X failed to satisfy constraint: small letters");
  EXPECT_EQ(bind_error(R"({"Type": "String"})", {{.name = "X", .value = {}, .use_previous = true}}),
            "before");
  EXPECT_TRUE(bind_error(R"({"Type": "AWS::SSM::Parameter::Value<String>"})", {})
                  .find("is not supported by Millrace") != std::string::npos);
}

TEST(Parameters, APatternThatWouldTakeForeverIsRefused) {
  const std::string error = bind_error(R"({"Type": "String", "AllowedPattern": "(a+)+(b+)+c"})",
                                       {{.name = "X", .value = std::string(4000, 'a')}});
  EXPECT_NE(error, std::string(4000, 'a'));
}

TEST(Parameters, ListsAreSplitAndTrimmed) {
  const auto parsed = parse_template(
      R"({"Parameters": {"X": {"Type": "CommaDelimitedList", "Default": "a, b ,c"}},
          "Resources": {"A": {"Type": "T"}}})");
  ASSERT_TRUE(parsed);
  const auto bound = bind_parameters(*parsed, {}, {});
  ASSERT_TRUE(bound);
  EXPECT_EQ(to_json(bound->at("X").value), R"(["a","b","c"])");
}

}  // namespace
}  // namespace stacks

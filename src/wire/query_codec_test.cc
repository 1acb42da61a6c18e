#include "wire/query_codec.h"

#include <gtest/gtest.h>

#include "api/cloudformation/operations.h"
#include "api/iam/operations.h"
#include "api/sts/operations.h"

namespace wire {
namespace {

template <class Op>
api::Outcome<typename Op::Input> read(std::string_view body) {
  auto form = parse_form(body);
  if (!form) return std::unexpected(form.error());
  typename Op::Input input;
  auto decoded = decode_query(*form, *Op::info().input, &input);
  if (!decoded) return std::unexpected(decoded.error());
  return input;
}

namespace cfn = api::cloudformation::op;
namespace iam = api::iam::op;

TEST(QueryDecode, ReadsListsOfStructures) {
  const auto input = read<cfn::CreateStack>(
      "Action=CreateStack&Version=2010-05-15&StackName=my+stack&TimeoutInMinutes=5"
      "&DisableRollback=true&Capabilities.member.2=B&Capabilities.member.1=A"
      "&Parameters.member.10.ParameterKey=ten&Parameters.member.2.ParameterKey=two"
      "&Parameters.member.2.ParameterValue=a%26b&Unknown.member.1=x");
  ASSERT_TRUE(input) << input.error().message;
  EXPECT_EQ(input->stack_name, "my stack");
  EXPECT_EQ(input->timeout_in_minutes, 5);
  EXPECT_EQ(input->disable_rollback, true);
  EXPECT_EQ(*input->capabilities, (std::vector<std::string>{"A", "B"}));
  ASSERT_EQ(input->parameters->size(), 2U);
  EXPECT_EQ(input->parameters->at(0).parameter_key, "two");
  EXPECT_EQ(input->parameters->at(0).parameter_value, "a&b");
  EXPECT_EQ(input->parameters->at(1).parameter_key, "ten");
}

TEST(QueryDecode, AnEmptyListIsThere) {
  const auto input = read<cfn::CreateStack>("StackName=a&Tags=&NotificationARNs.member=");
  ASSERT_TRUE(input);
  ASSERT_TRUE(input->tags);
  EXPECT_TRUE(input->tags->empty());
  EXPECT_FALSE(input->parameters);
}

TEST(QueryDecode, HostileIndexesCostNothing) {
  const auto input = read<cfn::CreateStack>(
      "Tags.member.999999999.Key=z&Tags.member.0.Key=no&Tags.member.-1.Key=no&Tags.member..Key=no"
      "&Tags.member.99999999999999999999.Key=no&Tags.member.1x.Key=no&Tags.member.1.Key=a"
      "&Tags.member.1-x=no&Tags.member.1=no&Tags.member.=no&Tags.member=no");
  ASSERT_TRUE(input) << input.error().message;
  ASSERT_EQ(input->tags->size(), 2U);
  EXPECT_EQ(input->tags->at(0).key, "a");
  EXPECT_EQ(input->tags->at(1).key, "z");
}

TEST(QueryDecode, RefusesBadNumbersAndTooMuch) {
  EXPECT_EQ(read<cfn::CreateStack>("TimeoutInMinutes=five").error().code, "MalformedInput");
  std::string many;
  for (int i = 0; i < 20'001; ++i) many += "a=1&";
  EXPECT_EQ(parse_form(many).error().code, "MalformedQueryString");
  EXPECT_EQ(parse_form("a=%ff").error().code, "MalformedQueryString");
}

TEST(QueryEncode, WritesTheResultElement) {
  iam::CreateUser::Output output;
  auto& user = output.user.emplace();
  user.user_name = "a<b";
  user.path = "/";
  user.create_date = base::from_epoch_ms(1'795'409'460'000);
  EXPECT_EQ(encode_query(iam::CreateUser::info(), &output, "id"),
            "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
            "<CreateUserResult><User><Path>/</Path><UserName>a&lt;b</UserName>"
            "<CreateDate>2026-11-23T04:51:00.000Z</CreateDate></User></CreateUserResult>"
            "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></CreateUserResponse>");
}

TEST(QueryEncode, WritesEmptyResultsAndNone) {
  const iam::ListUsers::Output users;
  EXPECT_NE(encode_query(iam::ListUsers::info(), &users, "id").find("<ListUsersResult></"),
            std::string::npos);
  const iam::DeleteUser::Output deleted;
  EXPECT_EQ(encode_query(iam::DeleteUser::info(), &deleted, "id").find("Result"),
            std::string::npos);
}

TEST(QueryEncode, WritesListsWithMembers) {
  cfn::DescribeStacks::Output output;
  auto& stack = output.stacks.emplace().emplace_back();
  stack.stack_name = "s";
  stack.capabilities = std::vector<std::string>{"A", "B"};
  stack.tags.emplace();
  const std::string xml = encode_query(cfn::DescribeStacks::info(), &output, "id");
  EXPECT_NE(xml.find("<Stacks><member><StackName>s</StackName>"), std::string::npos) << xml;
  EXPECT_NE(xml.find("<Capabilities><member>A</member><member>B</member></Capabilities>"),
            std::string::npos);
  EXPECT_NE(xml.find("<Tags/>"), std::string::npos);
}

}  // namespace
}  // namespace wire

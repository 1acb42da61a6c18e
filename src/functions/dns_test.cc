#include "functions/dns.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace functions {
namespace {

std::string query(std::string_view name, std::uint16_t type) {
  std::string out;
  base::append_u16(out, 0x1234);
  base::append_u16(out, 0x0100);
  base::append_u16(out, 1);
  base::append_u32(out, 0);
  base::append_u16(out, 0);
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    out += static_cast<char>(dot);
    out += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out += '\0';
  base::append_u16(out, type);
  base::append_u16(out, 1);
  return out;
}

struct Answer {
  std::uint16_t id, flags, answers;
  std::string address;
};
Answer ask(std::string_view name, std::uint16_t type) {
  const std::string answer = answer_dns(query(name, type));
  if (answer.size() < 12) return {};
  return {base::read_u16(answer), base::read_u16(answer.substr(2)),
          base::read_u16(answer.substr(6)), base::hex(answer.substr(answer.size() - 4))};
}

TEST(Dns, LeadsAwsNamesToLoopback) {
  for (const char* const name :
       {"dynamodb.us-east-1.amazonaws.com", "BUCKET.s3.amazonaws.com", "sts.amazonaws.com.cn",
        "lambda.us-east-1.api.aws", "localhost", "x.localhost"}) {
    const Answer answer = ask(name, 1);
    EXPECT_EQ(answer.id, 0x1234);
    EXPECT_EQ(answer.flags & 15, 0) << name;
    EXPECT_EQ(answer.answers, 1) << name;
    EXPECT_EQ(answer.address, "7f000001") << name;
  }
}

TEST(Dns, HasNoIpv6Address) {
  const Answer answer = ask("s3.amazonaws.com", 28);
  EXPECT_EQ(answer.flags & 15, 0);
  EXPECT_EQ(answer.answers, 0);
}

TEST(Dns, DeniesEveryOtherName) {
  for (const char* const name :
       {"example.com", "notamazonaws.com", "amazonaws.com.evil.net", "aws"})
    EXPECT_EQ(ask(name, 1).flags & 15, 3) << name;
}

TEST(Dns, AnswersMalformedQueriesWithAFormatErrorOrNotAtAll) {
  EXPECT_EQ(answer_dns(""), "");
  EXPECT_EQ(answer_dns("short"), "");
  std::string cut = query("s3.amazonaws.com", 1);
  cut.resize(20);
  EXPECT_EQ(base::read_u16(answer_dns(cut).substr(2)) & 15, 1);
  std::string pointer = query("a", 1);
  pointer[12] = '\xc0';
  EXPECT_EQ(base::read_u16(answer_dns(pointer).substr(2)) & 15, 1);
  std::string response = query("a", 1);
  response[2] = '\x81';
  EXPECT_EQ(answer_dns(response), "");
}

}  // namespace
}  // namespace functions

#include "sdk/dns_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

IpAddress ip(std::string_view text) { return parse_ip(text).value(); }

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

// The query turned into an answer with `count` records.
std::string answer_with(std::string query, int count, const std::string& records, int code = 0) {
  query[2] = static_cast<char>(0x81);
  query[3] = static_cast<char>(0x80 | code);
  query[7] = static_cast<char>(count);
  return query + records;
}

// owner: a pointer to the question's name; class Internet, some time to live.
std::string record(int type, const std::string& data) {
  return bytes({0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, static_cast<int>(data.size())}) + data;
}

TEST(HostsFile, FindsNamesInEveryColumn) {
  constexpr std::string_view kFile =
      "# comment\n127.0.0.1\tlocalhost loop # here\n\n::1 localhost\nnonsense loop\n"
      "10.0.0.1 Dynamodb.us-east-1.amazonaws.com\n10.0.0.2 other";
  EXPECT_THAT(find_in_hosts(kFile, "localhost"), ElementsAre(ip("127.0.0.1"), ip("::1")));
  EXPECT_THAT(find_in_hosts(kFile, "loop"), ElementsAre(ip("127.0.0.1")));
  EXPECT_THAT(find_in_hosts(kFile, "dynamodb.us-east-1.amazonaws.com"),
              ElementsAre(ip("10.0.0.1")));
  EXPECT_THAT(find_in_hosts(kFile, "other"), ElementsAre(ip("10.0.0.2")));
  EXPECT_THAT(find_in_hosts(kFile, "here"), IsEmpty());
}

TEST(ResolvConf, GivesTheFirstThreeServers) {
  EXPECT_THAT(name_servers("search a\nnameserver 10.0.0.2\n;nameserver 1.1.1.1\noptions x\n"
                           "nameserver fe80::1%eth0\nnameserver x\nnameserver 1.2.3.4\n"
                           "nameserver 1.2.3.5"),
              ElementsAre(ip("10.0.0.2"), ip("fe80::1"), ip("1.2.3.4")));
}

TEST(DnsQuery, IsAsInRfc1035) {
  EXPECT_EQ(dns_query(0x1234, "a.bc", RecordType::kAaaa),
            bytes({0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 2, 'b', 'c', 0, 0, 28, 0, 1}));
  EXPECT_EQ(dns_query(1, "a.bc.", RecordType::kA), dns_query(1, "a.bc", RecordType::kA));
}

TEST(DnsQuery, RefusesWhatIsNoHostName) {
  EXPECT_FALSE(dns_query(1, "", RecordType::kA));
  EXPECT_FALSE(dns_query(1, ".", RecordType::kA));
  EXPECT_FALSE(dns_query(1, "a..b", RecordType::kA));
  EXPECT_FALSE(dns_query(1, "a b", RecordType::kA));
  EXPECT_FALSE(dns_query(1, std::string(64, 'a'), RecordType::kA));
  EXPECT_FALSE(dns_query(1, std::string(254, 'a'), RecordType::kA));
}

TEST(DnsAnswer, GivesTheAddressesBehindAnAlias) {
  const std::string query = *dns_query(7, "a.bc", RecordType::kA);
  const std::string answer =
      answer_with(query, 3,
                  record(5, bytes({1, 'x', 0})) + record(1, bytes({10, 0, 0, 1})) +
                      record(1, bytes({10, 0, 0, 2})));
  EXPECT_THAT(*dns_answer(query, answer, RecordType::kA),
              ElementsAre(ip("10.0.0.1"), ip("10.0.0.2")));
}

TEST(DnsAnswer, IsEmptyForANameThatDoesNotExist) {
  const std::string query = *dns_query(7, "a.bc", RecordType::kA);
  EXPECT_THAT(*dns_answer(query, answer_with(query, 0, "", 3), RecordType::kA), IsEmpty());
}

TEST(DnsAnswer, RefusesWhatAnswersAnotherQuestion) {
  const std::string query = *dns_query(7, "a.bc", RecordType::kA);
  const std::string good = answer_with(query, 1, record(1, bytes({10, 0, 0, 1})));
  ASSERT_TRUE(dns_answer(query, good, RecordType::kA));
  std::string id = good, name = good;
  id[1] = 8;
  name[13] = 'z';
  EXPECT_FALSE(dns_answer(query, id, RecordType::kA));
  EXPECT_FALSE(dns_answer(query, name, RecordType::kA));
  EXPECT_FALSE(dns_answer(query, query, RecordType::kA));
  EXPECT_FALSE(dns_answer(query, answer_with(query, 0, "", 2), RecordType::kA));
}

TEST(DnsAnswer, RefusesEveryCut) {
  const std::string query = *dns_query(7, "a.bc", RecordType::kA);
  const std::string good = answer_with(query, 1, record(1, bytes({10, 0, 0, 1})));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(dns_answer(query, std::string_view(good).substr(0, size), RecordType::kA));
  }
}

}  // namespace
}  // namespace sdk

// The client's pure parts: targets, refusals, waits, places to begin, tables and lines.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/failure.h"
#include "client/from.h"
#include "client/stream_text.h"

namespace client {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
namespace k = api::kinesis;

constexpr std::string_view kKeys = "340282366920938463463374607431768211455";  // 2^128 - 1
constexpr std::string_view kHalf = "170141183460469231731687303715884105728";  // 2^127

k::HashKeyRange range(std::string_view from, std::string_view to) {
  return {.starting_hash_key = std::string(from), .ending_hash_key = std::string(to)};
}

k::Shard shard(std::string id, std::string_view from, std::string_view to) {
  k::Shard made;
  made.shard_id = std::move(id);
  made.hash_key_range = range(from, to);
  made.sequence_number_range = {.starting_sequence_number = std::string(30, '1'),
                                .ending_sequence_number = std::nullopt};
  return made;
}

k::Record record(std::string data, std::string key) {
  k::Record made;
  made.sequence_number = "12";
  made.approximate_arrival_timestamp = base::from_epoch_ms(1'795'409'460'123);
  made.data = std::move(data);
  made.partition_key = std::move(key);
  return made;
}

TEST(Target, IsWhatOptionsAndVariablesSayInThisOrder) {
  std::map<std::string, std::string> set = {{"AWS_DEFAULT_REGION", "cn-north-1"},
                                            {"AWS_ACCESS_KEY_ID", "A"},
                                            {"AWS_SECRET_ACCESS_KEY", "S"}};
  const auto find = [&set](Overrides overrides) {
    return find_target(k::kService, overrides, [&set](const char* name) { return set[name]; });
  };
  EXPECT_EQ(find({})->endpoint, "https://kinesis.cn-north-1.amazonaws.com.cn");
  set["AWS_REGION"] = "eu-west-1";
  EXPECT_EQ(find({})->endpoint, "https://kinesis.eu-west-1.amazonaws.com");
  set["AWS_ENDPOINT_URL"] = "http://all";
  EXPECT_EQ(find({})->endpoint, "http://all");
  set["AWS_ENDPOINT_URL_KINESIS"] = "http://own";
  EXPECT_EQ(find({})->endpoint, "http://own");
  EXPECT_EQ(find({.endpoint = "http://o", .region = "r"})->region, "r");
  set["AWS_SECRET_ACCESS_KEY"] = "";
  EXPECT_THAT(find({}).error().message, HasSubstr("millrace env"));
}

TEST(Failure, ReadsRefusalsAndSaysWhatToDo) {
  const Target target{.endpoint = "http://e", .region = "r", .credentials = {}};
  const auto gone = read_refusal(400, R"({"__type":"a#ResourceNotFoundException","message":"no"})");
  EXPECT_EQ(to_string(gone), "HTTP 400 ResourceNotFoundException: no");
  EXPECT_FALSE(gone.passing);
  EXPECT_THAT(advice(gone, target), HasSubstr("millrace stream list"));
  EXPECT_TRUE(read_refusal(503, "<html>").passing);
  EXPECT_TRUE(read_refusal(400, R"({"__type":"LimitExceededException"})").passing);
  const auto away = not_answered({base::ErrorCode::kUnavailable, "refused"});
  EXPECT_TRUE(away.passing && away.unreachable);
  EXPECT_THAT(advice(away, target), HasSubstr("http://e"));
}

TEST(RetryDelay, WaitsLongerEachTimeUpToALimit) {
  base::SeededRandom random(1);
  EXPECT_GE(retry_delay(1, random), 25ms);
  EXPECT_LE(retry_delay(1, random), 50ms);
  EXPECT_GE(retry_delay(4, random), 200ms);
  EXPECT_LE(retry_delay(4'000'000'000U, random), 5s);
}

TEST(From, UnderstandsWhatAPersonSays) {
  const auto now = base::from_epoch_ms(1'800'000'000'000);
  EXPECT_EQ(parse_from("trim", now)->kind, From::Kind::kTrim);
  EXPECT_EQ(parse_from("latest", now)->kind, From::Kind::kLatest);
  EXPECT_EQ(parse_from("90s", now)->time, now - 90s);
  EXPECT_EQ(parse_from("1.5h", now)->time, now - 90min);
  EXPECT_EQ(parse_from("1795409460.123", now)->time, base::from_epoch_ms(1'795'409'460'123));
  EXPECT_EQ(parse_from("2026-11-23T04:51:00Z", now)->time, base::from_epoch_ms(1'795'409'460'000));
  const std::string number = "49680487041406033909094606552662904899789872518731399186";
  EXPECT_EQ(parse_from(number, now)->kind, From::Kind::kSequence);
  EXPECT_EQ(parse_from(number, now)->sequence, number);
  for (const char* const wrong : {"", "yesterday", "-5m", "m", "1e400", "nan", "99999999999d"})
    EXPECT_FALSE(parse_from(wrong, now)) << wrong;
}

TEST(ShardId, MayBeANumber) {
  EXPECT_EQ(whole_shard_id("12"), "shardId-000000000012");
  EXPECT_EQ(whole_shard_id("shardId-000000000012"), "shardId-000000000012");
  EXPECT_EQ(whole_shard_id(""), "");
}

TEST(HashBar, ShowsWhichPartOfTheKeysAShardHas) {
  const DrawStyle ascii{.unicode = false};
  EXPECT_EQ(hash_bar(range("0", kKeys), 8, ascii), "########");
  EXPECT_EQ(hash_bar(range(kHalf, kKeys), 8, ascii), "....####");
  EXPECT_EQ(hash_bar(range("0", "99"), 4, ascii), "#...");
  EXPECT_EQ(hash_bar(range(kKeys, kKeys), 4, ascii), "...#");
  EXPECT_EQ(hash_bar(range(kHalf, kKeys), 2, {}), "·█");
  EXPECT_EQ(hash_share(range("0", kKeys)), "100%");
  EXPECT_EQ(hash_share(range("0", "11342745564031282115445820247725607048")), "3.3%");
  EXPECT_EQ(hash_share(range("0", "99")), "<0.1%");
}

TEST(ShardTable, IsDrawnWithRatesWhereTheyWereMeasured) {
  std::vector<k::Shard> shards = {shard("shardId-000000000000", "0", kKeys),
                                  shard("shardId-000000000001", kHalf, kKeys)};
  shards[0].sequence_number_range->ending_sequence_number = std::string(30, '2');
  shards[1].parent_shard_id = "shardId-000000000000";
  const std::map<std::string, Observed> observed = {
      {"shardId-000000000001", {.records = 3, .bytes = 6144, .seconds = 2, .whole = false}}};
  EXPECT_EQ(
      shard_table(shards, &observed, {.draw = {.unicode = false}}),
      "+----------------------+--------+------------------------+---------+----------------+-------"
      "---"
      "-----+-----------+------------+\n"
      "| shard                | state  | hash keys              | made of | first sequence | last "
      "sequence | records/s |    bytes/s |\n"
      "+----------------------+--------+------------------------+---------+----------------+-------"
      "---"
      "-----+-----------+------------+\n"
      "| shardId-000000000000 | closed | ################  100% |         | 111111~111111  | "
      "222222~222222 |           |            |\n"
      "| shardId-000000000001 | open   | ........########   50% | 0       | 111111~111111  |       "
      "   "
      "     |    >= 1.5 | >= 3.0 KiB |\n"
      "+----------------------+--------+------------------------+---------+----------------+-------"
      "---"
      "-----+-----------+------------+\n");
}

TEST(ShardTable, LeavesOutWhatDoesNotFitAndWhatNobodyLookedFor) {
  const std::vector<k::Shard> shards = {shard("shardId-000000000000", "0", kKeys)};
  const auto narrow = shard_table(shards, nullptr, {.draw = {.characters_max = 80}});
  EXPECT_THAT(narrow, Not(HasSubstr("sequence")));
  EXPECT_THAT(narrow, Not(HasSubstr("records/s")));
  const auto whole =
      shard_table(shards, nullptr, {.draw = {.characters_max = 80}, .whole_numbers = true});
  EXPECT_THAT(whole, HasSubstr(std::string(30, '1')));
}

TEST(RecordLine, KeepsARecordOnOneLineAndATerminalSafe) {
  EXPECT_EQ(record_line("s", record("a\nb\x1b[31m\xC2\x9B é", "k\t")),
            "2026-11-23T04:51:00.123Z\ts\t12\tk\\t\ta\\nb\\x1b[31m\\x9b é");
  EXPECT_EQ(record_line("s", record("b\xff", "k")),
            "2026-11-23T04:51:00.123Z\ts\t12\tk\tbase64:Yv8=");
  EXPECT_EQ(record_json("s", record("a\"\n", "k")),
            R"({"arrival":"2026-11-23T04:51:00.123Z","shard":"s","sequence":"12","key":"k",)"
            R"("data":"a\"\n"})");
  EXPECT_THAT(record_json("s", record("\xff", "k")), HasSubstr(R"("data_base64":"/w==")"));
}

TEST(RecordFilter, LooksForTextAndKey) {
  const auto some = record("an error", "k");
  EXPECT_TRUE(RecordFilter{}.lets_through(some));
  EXPECT_TRUE((RecordFilter{.text = "err", .key = "k"}).lets_through(some));
  EXPECT_FALSE((RecordFilter{.text = "err", .key = ""}).lets_through(some));
  EXPECT_FALSE((RecordFilter{.text = "Err", .key = std::nullopt}).lets_through(some));
}

TEST(BytesText, FindsTheUnit) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(2.0 * 1024 * 1024), "2.0 MiB");
}

}  // namespace
}  // namespace client

// The feed's pure parts: lines, batches, answers, signatures, shapes, positions, waits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"
#include "feed/batch.h"
#include "feed/line_splitter.h"
#include "feed/oauth1.h"
#include "feed/put_records.h"
#include "feed/reconnect.h"
#include "feed/resume.h"
#include "feed/shape.h"
#include "io/faulty_files.h"

namespace feed {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(LineSplitter, CutsLinesAcrossPiecesAndTellsWhereTheyEnd) {
  LineSplitter lines(100, 1000);
  lines.feed("one\r\ntw");
  const auto one = lines.next();
  ASSERT_TRUE(one);
  EXPECT_EQ(one->text, "one");
  EXPECT_EQ(one->end, 1005U);
  EXPECT_FALSE(lines.next());
  lines.feed("o\n\nthree");
  EXPECT_EQ(lines.next()->text, "two");
  EXPECT_EQ(lines.next()->text, "");
  EXPECT_FALSE(lines.next());
  EXPECT_EQ(lines.finish()->text, "three");
  EXPECT_FALSE(lines.finish());
}

TEST(LineSplitter, ReportsALineThatIsTooLongOnce) {
  LineSplitter lines(4);
  lines.feed("1234567");
  EXPECT_FALSE(lines.next());
  lines.feed("89\n1234\r\n");
  EXPECT_TRUE(lines.next()->too_long);
  EXPECT_EQ(lines.next()->text, "1234");
}

TEST(Batch, HoldsNoMoreThanARequestMay) {
  Batch few;
  few.add({std::string(kBatchBytesMax - 10, 'x'), "key"});
  EXPECT_TRUE(few.has_room_for({"1234", "key"}));
  EXPECT_FALSE(few.has_room_for({"12345", "key"}));
  Batch many;
  for (std::size_t i = 0; i < kBatchRecordsMax; ++i) many.add({"x", "k"});
  EXPECT_TRUE(many.full());
  EXPECT_FALSE(many.has_room_for({"x", "k"}));
}

TEST(Batch, HoldsOneRecordOfAKeyWhenTold) {
  Batch batch(true);
  batch.add({"1", "a"});
  EXPECT_FALSE(batch.has_room_for({"2", "a"}));
  EXPECT_TRUE(batch.has_room_for({"2", "b"}));
}

TEST(Batch, KeepsWhatHasToGoAgainInOrder) {
  Batch batch;
  for (const char* const data : {"0", "11", "222", "3333"}) batch.add({data, "k"});
  batch.keep_only({1, 3});
  ASSERT_EQ(batch.records().size(), 2U);
  EXPECT_EQ(batch.records()[1].data, "3333");
  EXPECT_EQ(batch.bytes(), 8U);
}

TEST(PutRecords, WritesTheRequest) {
  EXPECT_EQ(put_records_body("s", {{"hi", "k\"1"}, {"", "é"}}),
            R"({"StreamName":"s","Records":[{"Data":"aGk=","PartitionKey":"k\"1"},)"
            R"({"Data":"","PartitionKey":"é"}]})");
}

TEST(PutRecords, FindsWhatWasNotTaken) {
  const auto verdict = judge(
      200,
      R"({"FailedRecordCount":1,"Records":[{"SequenceNumber":"1","ShardId":"s"},)"
      R"({"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded"}]})",
      2);
  EXPECT_EQ(verdict.what, Verdict::What::kRetry);
  EXPECT_THAT(verdict.again, ElementsAre(1));
  EXPECT_EQ(judge(200, R"({"Records":[{"SequenceNumber":"1"}]})", 1).what, Verdict::What::kDone);
}

TEST(PutRecords, TellsLaterFromNever) {
  const auto throttled = judge(400, R"({"__type":"LimitExceededException"})", 2);
  EXPECT_EQ(throttled.what, Verdict::What::kRetry);
  EXPECT_THAT(throttled.again, ElementsAre(0, 1));
  EXPECT_EQ(judge(503, "<html>", 1).what, Verdict::What::kRetry);
  EXPECT_EQ(judge(200, "{}", 1).what, Verdict::What::kRetry);
  const auto denied = judge(400, R"({"__type":"a.b#AccessDeniedException","Message":"no"})", 1);
  EXPECT_EQ(denied.what, Verdict::What::kFatal);
  EXPECT_EQ(denied.reason, "HTTP 400 AccessDeniedException: no");
  EXPECT_EQ(denied.code, "AccessDeniedException");
}

TEST(Shape, TakesALineAsItIs) {
  const auto record = line_record({.text = "not \xff JSON"}, "k");
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->data, "not \xff JSON");
  EXPECT_EQ((*record)->partition_key, "k");
  EXPECT_EQ((*line_record({.text = "x"}, ""))->partition_key.size(), 32U);
  EXPECT_FALSE(line_record({.text = std::string(kRecordBytesMax, 'x')}, "k"));
}

// The example of X's documentation of "creating a signature".
TEST(OAuth1, SignsTheKnownExample) {
  const OAuth1Keys keys{"xvz1evFS4wEEPTGEFPHBog", "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
                        "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
                        "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"};
  OAuth1Request request{.url = "https://api.twitter.com/1.1/statuses/update.json"};
  request.parameters = {{"include_entities", "true"},
                        {"status", "Hello Ladies + Gentlemen, a signed OAuth request!"}};
  request.nonce = "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg";
  request.timestamp = "1318622958";
  EXPECT_THAT(oauth1_authorization(request, keys),
              HasSubstr("oauth_signature=\"hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D\""));
}

TEST(Shape, TakesThePartitionKeyFromTheTweet) {
  const Event event{.text = R"({"text":"x","user":{"name":"N","screen_name":"s"}})"};
  const auto record = make_record(event, Shape::kAsIs, "user.screen_name");
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->partition_key, "s");
  EXPECT_EQ((*record)->data, event.text);
  EXPECT_EQ((*make_record(event, Shape::kAsIs, "none"))->partition_key, "N");
}

TEST(Shape, GivesEveryRecordAKeyWithinTheLimit) {
  EXPECT_EQ((*make_record({.text = "[1]"}, Shape::kAsIs, "k"))->partition_key.size(), 32U);
  std::string key;
  for (int i = 0; i < 300; ++i) key += "é";
  const auto record = make_record({.text = "{\"k\":\"" + key + "\"}"}, Shape::kAsIs, "k");
  EXPECT_EQ((*record)->partition_key.size(), 2 * kPartitionKeyCharsMax);
}

TEST(Shape, RefusesWhatIsNotJsonOrTooLarge) {
  EXPECT_FALSE(make_record({.text = "{\"a\":"}, Shape::kAsIs, "k"));
  EXPECT_FALSE(make_record({.text = "\"\xff\""}, Shape::kAsIs, "k"));
  EXPECT_FALSE(make_record({.text = std::string(200'000, '[')}, Shape::kAsIs, "k"));
  const std::string large = "\"" + std::string(kRecordBytesMax, 'x') + "\"";
  const auto refused = make_record({.text = large}, Shape::kAsIs, "k");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::kLimit);
}

TEST(Shape, PassesOverAStreamsOtherMessages) {
  EXPECT_EQ(*make_record({.text = R"({"delete":{}})"}, Shape::kTweet, "k"), std::nullopt);
  EXPECT_EQ(*make_record({.text = R"({"errors":[]})"}, Shape::kXv2, "k"), std::nullopt);
  EXPECT_EQ(*make_record({.type = "delete", .text = "12"}, Shape::kMastodon, "k"), std::nullopt);
}

TEST(Shape, MakesATweetOfXv2) {
  const Event event{
      .text = R"({"data":{"id":"12","text":"hé","author_id":"7","created_at":)"
              R"("2014-08-31T00:29:15.000Z"},"includes":{"users":[{"id":"8","name":"no"},)"
              R"({"id":"7","name":"N","username":"u"}]}})"};
  const auto record = make_record(event, Shape::kXv2, "user.screen_name");
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->partition_key, "u");
  EXPECT_EQ((*record)->data,
            R"({"created_at":"Sun Aug 31 00:29:15 +0000 2014","id":12,"id_str":"12","text":"hé",)"
            R"("lang":"","user":{"id_str":"7","name":"N","screen_name":"u"}})");
}

TEST(Shape, MakesATweetOfAMastodonStatus) {
  const Event event{.type = "update",
                    .text = R"({"id":"5","created_at":"2024-02-29T23:59:59.000Z","content":)"
                            R"("<p>a &lt;b&gt;<br/>c</p><p>d</p>","account":{"id":"1",)"
                            R"("acct":"me@there","display_name":""}})"};
  const auto record = make_record(event, Shape::kMastodon, "user.screen_name");
  ASSERT_TRUE(record && *record);
  EXPECT_THAT((*record)->data, HasSubstr(R"("text":"a <b>\nc\nd")"));
  EXPECT_THAT((*record)->data, HasSubstr(R"("created_at":"Thu Feb 29 23:59:59 +0000 2024")"));
  EXPECT_EQ((*record)->partition_key, "me@there");
}

TEST(Shape, MakesATweetOfARecentChange) {
  const Event event{.text = R"({"meta":{"id":"u-1","dt":"2024-01-01T00:00:00Z","domain":)"
                            R"("de.wikipedia.org"},"title":"T","comment":"c","user":"U"})"};
  const auto record = make_record(event, Shape::kWikimedia, "user.name");
  ASSERT_TRUE(record && *record);
  EXPECT_THAT((*record)->data, HasSubstr(R"("text":"T: c")"));
  EXPECT_EQ((*record)->partition_key, "U");
}

TEST(ResumeFile, KeepsAPositionAndGuardsWhoseItIs) {
  base::SeededRandom random(1);
  io::FaultyFiles files(random);
  ASSERT_TRUE(files.make_folder("/p"));
  ResumeFile resume(files, "/p/position");
  EXPECT_EQ(*resume.load("file:/a", "s"), std::nullopt);
  ASSERT_TRUE(resume.save({"file:/a", "s", "123"}));
  EXPECT_EQ(*resume.load("file:/a", "s"), "123");
  const auto other = resume.load("file:/b", "s");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("belongs to file:/a"));
}

TEST(ResumeFile, RefusesWhatItCannotRead) {
  for (const char* const text : {"", "{", "[]", "{}", R"({"version":2})", R"({"version":1})"})
    EXPECT_FALSE(decode_position(text)) << text;
  const auto position = decode_position(encode_position({"sse:\"x\"", "s", "[{\"a\":1}]"}));
  ASSERT_TRUE(position);
  EXPECT_EQ(position->at, "[{\"a\":1}]");
}

TEST(Reconnect, WaitsAsXAsks) {
  Reconnect reconnect;
  using After = Reconnect::After;
  EXPECT_EQ(reconnect.wait(After::kBreak, {}), 250ms);
  EXPECT_EQ(reconnect.wait(After::kBreak, {}), 500ms);
  for (int i = 0; i < 100; ++i) reconnect.wait(After::kBreak, {});
  EXPECT_EQ(reconnect.wait(After::kBreak, {}), 16s);
  EXPECT_EQ(reconnect.wait(After::kServerError, {}), 5s);
  EXPECT_EQ(reconnect.wait(After::kServerError, {}), 10s);
  EXPECT_EQ(reconnect.wait(After::kTooMany, {}), 60s);
  EXPECT_EQ(reconnect.wait(After::kTooMany, 3s), 3s);
  reconnect.worked();
  EXPECT_EQ(reconnect.wait(After::kTooMany, {}), 60s);
}

}  // namespace
}  // namespace feed

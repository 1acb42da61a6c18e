#include "objects/objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "async/manual_core.h"
#include "async/when_all.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "io/faulty_files.h"
#include "objects/codec.h"
#include "store/memory_store.h"

namespace objects {
namespace {

using base::ErrorCode;
using testing::ElementsAre;

class ObjectsTest : public testing::Test {
 protected:
  void SetUp() override {
    reopen();
    ASSERT_TRUE(core.run(objects->create_bucket({.name = "b", .account_id = "1"})).has_value());
  }
  void reopen() {
    objects = std::make_unique<Objects>(store, files, pool, clock, random, "objects");
    const auto opened = core.run(objects->open());
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
  }
  base::Result<Object> put(const std::string& key, std::string body, Condition condition = {}) {
    return core.run(objects->put("b", key, std::move(body), {}, {}, std::move(condition)));
  }
  base::Result<std::string> body_of(const std::string& key) {
    auto object = core.run(objects->find("b", key));
    if (!object) return std::unexpected(object.error());
    const std::uint64_t size = object->size;
    return core.run(objects->read(*std::move(object), 0, size));
  }
  std::size_t file_count() { return files.list("objects")->size(); }
  static std::string large(char fill) { return std::string(kInlineBytesMax + 1, fill); }

  base::ManualClock clock;
  base::SeededRandom random{7};
  async::ManualCore core{clock};
  async::BlockingPool pool{1};
  store::MemoryStore store;
  io::FaultyFiles files{random};
  std::unique_ptr<Objects> objects;
};

TEST_F(ObjectsTest, WhatWasPutComesBackAfterReopening) {
  Settings settings{.content_type = "text/plain", .metadata = {{"a", "1"}}, .tags = {{"t", "v"}}};
  const Checksum sum{.algorithm = "CRC32", .value = "abc="};
  const auto made = core.run(objects->put("b", "k", "hello", settings, sum, {}));
  EXPECT_EQ(made->etag, "5d41402abc4b2a76b9719d911017c592");
  reopen();
  const auto found = core.run(objects->find("b", "k"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->settings.content_type, "text/plain");
  EXPECT_EQ(found->settings.metadata, settings.metadata);
  EXPECT_EQ(found->settings.tags, settings.tags);
  EXPECT_EQ(found->checksum, sum);
  EXPECT_EQ(*body_of("k"), "hello");
}

TEST_F(ObjectsTest, LargeBodiesLiveInFilesUntilReplacedOrRemoved) {
  ASSERT_TRUE(put("k", large('a')).has_value());
  EXPECT_EQ(file_count(), 1U);
  EXPECT_EQ(*body_of("k"), large('a'));
  ASSERT_TRUE(put("k", large('b')).has_value());
  EXPECT_EQ(file_count(), 1U);
  EXPECT_EQ(*body_of("k"), large('b'));
  ASSERT_TRUE(core.run(objects->remove("b", "k", {})).has_value());
  EXPECT_EQ(file_count(), 0U);
  EXPECT_EQ(body_of("k").error().code, ErrorCode::kNotFound);
}

TEST_F(ObjectsTest, AcknowledgedFilesSurviveAPowerCut) {
  ASSERT_TRUE(put("k", large('a')).has_value());
  files.crash();
  reopen();
  EXPECT_EQ(*body_of("k"), large('a'));
}

TEST_F(ObjectsTest, OrphansAreSweptAtStart) {
  ASSERT_TRUE(put("k", large('a')).has_value());
  ASSERT_TRUE(files.open("objects/0123", io::OpenMode::kCreateNew).has_value());
  reopen();
  EXPECT_EQ(file_count(), 1U);
  EXPECT_EQ(*body_of("k"), large('a'));
}

TEST_F(ObjectsTest, ADiskThatFailsLeavesTheOldObject) {
  ASSERT_TRUE(put("k", large('a')).has_value());
  files.fail_syncs(1);
  EXPECT_FALSE(put("k", large('b')).has_value());
  files.fail_syncs(0);
  EXPECT_EQ(*body_of("k"), large('a'));
}

async::Task<void> put_and_mark(Objects& objects, bool& done) {
  const auto made = co_await objects.put("b", "k", "x", {}, {}, {});
  done = made.has_value();
}

TEST_F(ObjectsTest, NothingIsAnsweredBeforeItIsSynced) {
  store.hold_syncs();
  bool done = false;
  async::detail::start(core, put_and_mark(*objects, done));
  core.run_ready();
  EXPECT_FALSE(done);
  store.release_syncs();
  core.run_ready();
  EXPECT_TRUE(done);
}

TEST_F(ObjectsTest, ConditionsHoldAtTheMomentOfTheWrite) {
  const Condition absent{.absent = true};
  std::vector<async::Task<base::Result<Object>>> racers;
  for (int i = 0; i < 8; ++i)
    racers.push_back(objects->put("b", "k", std::to_string(i), {}, {}, absent));
  const auto answers = core.run(async::when_all(std::move(racers)));
  EXPECT_EQ(std::ranges::count_if(answers, [](const auto& a) { return a.has_value(); }), 1);

  const std::string etag = core.run(objects->find("b", "k"))->etag;
  EXPECT_EQ(put("k", "y", {.etag = "no"}).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(put("k", "y", {.etag = etag}).has_value());
  EXPECT_EQ(put("none", "y", {.etag = etag}).error().code, ErrorCode::kNotFound);
}

TEST_F(ObjectsTest, ABucketGoesOnlyWhenEmpty) {
  ASSERT_TRUE(put("k", "x").has_value());
  EXPECT_EQ(core.run(objects->remove_bucket("b")).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(core.run(objects->remove("b", "k", {})).has_value());
  const auto upload = core.run(objects->start_upload("b", {.key = "u"}));
  ASSERT_TRUE(core.run(objects->put_part("b", "u", upload->id, 1, large('p'), {})).has_value());
  ASSERT_TRUE(core.run(objects->remove_bucket("b")).has_value());
  EXPECT_EQ(file_count(), 0U);
  EXPECT_EQ(objects->find_bucket("b"), nullptr);
  EXPECT_EQ(put("k", "x").error().code, ErrorCode::kNotFound);
}

TEST_F(ObjectsTest, APutBesideTheBucketsRemovalLeavesNoOrphan) {
  std::vector<async::Task<base::Status>> removals;
  std::vector<async::Task<base::Result<Object>>> puts;
  for (int i = 0; i < 16; ++i)
    puts.push_back(objects->put("b", std::to_string(i), "x", {}, {}, {}));
  removals.push_back(objects->remove_bucket("b"));
  const auto both = [](auto puts, auto removals) -> async::Task<bool> {
    const auto made = co_await async::when_all(std::move(puts));
    const auto removed = co_await async::when_all(std::move(removals));
    co_return removed[0].has_value() ? !made[0].has_value() : made[0].has_value();
  };
  EXPECT_TRUE(core.run(both(std::move(puts), std::move(removals))));
}

TEST_F(ObjectsTest, RangesCrossTheBordersOfParts) {
  const auto upload = core.run(objects->start_upload("b", {.key = "k"}));
  for (std::uint16_t n = 1; n <= 3; ++n)
    ASSERT_TRUE(core.run(objects->put_part("b", "k", upload->id, n,
                                           n == 2 ? large('2') : std::string(3, char('0' + n)), {}))
                    .has_value());
  const auto all = [](const Upload&, const std::vector<Part>& parts) {
    return base::Result<Objects::Choice>(Objects::Choice{.parts = parts, .checksum = {}});
  };
  const auto made = core.run(objects->complete("b", "k", upload->id, all, {}));
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->size, large('2').size() + 6);
  EXPECT_TRUE(made->etag.ends_with("-3"));
  const auto head = core.run(objects->read(*made, 1, 4));
  EXPECT_EQ(*head, "1122");
  const auto tail = core.run(objects->read(*made, made->size - 4, 4));
  EXPECT_EQ(*tail, "2333");
  reopen();
  EXPECT_EQ(body_of("k")->size(), made->size);
  EXPECT_EQ(core.run(objects->abort("b", "k", upload->id)).error().code, ErrorCode::kNotFound);
}

TEST_F(ObjectsTest, PartsLeftOutAndReplacedOnesAreForgotten) {
  const auto upload = core.run(objects->start_upload("b", {.key = "k"}));
  for (const std::uint16_t n : {1, 1, 2})
    ASSERT_TRUE(core.run(objects->put_part("b", "k", upload->id, n, large('x'), {})).has_value());
  EXPECT_EQ(file_count(), 2U);
  const auto first = [](const Upload&, const std::vector<Part>& parts) {
    return base::Result<Objects::Choice>(Objects::Choice{.parts = {parts[0]}, .checksum = {}});
  };
  ASSERT_TRUE(core.run(objects->complete("b", "k", upload->id, first, {})).has_value());
  EXPECT_EQ(file_count(), 1U);
  const auto again = core.run(objects->start_upload("b", {.key = "k"}));
  ASSERT_TRUE(core.run(objects->put_part("b", "k", again->id, 5, large('y'), {})).has_value());
  ASSERT_TRUE(core.run(objects->abort("b", "k", again->id)).has_value());
  EXPECT_EQ(file_count(), 1U);
  EXPECT_EQ(*body_of("k"), large('x'));
}

TEST_F(ObjectsTest, UploadsAreListedByKeyAndThenByStart) {
  std::vector<std::string> ids;
  for (const char* key : {"a/1", "a/1", "b", "a"}) {
    ids.push_back(core.run(objects->start_upload("b", {.key = key}))->id);
    clock.advance(std::chrono::seconds(1));
  }
  const auto page = core.run(objects->list_uploads("b", {.limit = 2}, ""));
  ASSERT_EQ(page->uploads.size(), 2U);
  EXPECT_EQ(page->uploads[0].key, "a");
  EXPECT_EQ(page->uploads[1].id, ids[0]);
  EXPECT_TRUE(page->truncated);
  const auto rest = core.run(objects->list_uploads("b", {.after = page->last_key}, page->last_id));
  ASSERT_EQ(rest->uploads.size(), 2U);
  EXPECT_EQ(rest->uploads[0].id, ids[1]);
  const auto rolled = core.run(objects->list_uploads("b", {.delimiter = "/", .after = "a"}, ""));
  EXPECT_THAT(rolled->prefixes, ElementsAre("a/"));
  ASSERT_EQ(rolled->uploads.size(), 1U);
  EXPECT_EQ(rolled->uploads[0].key, "b");
}

// ---- listing against a naive model

struct Flat {
  std::vector<std::string> items;  // names and prefixes in order
  bool truncated = false;
};

Flat naive(const std::set<std::string>& keys, const ListRequest& request) {
  Flat flat;
  for (const std::string& key : keys) {
    if (!key.starts_with(request.prefix) || key <= request.after) continue;
    std::string item = key;
    const std::size_t at = request.delimiter.empty()
                               ? std::string::npos
                               : key.find(request.delimiter, request.prefix.size());
    if (at != std::string::npos) item = key.substr(0, at + request.delimiter.size());
    if (item != key || at != std::string::npos) {
      if (request.after.starts_with(item)) continue;
      if (!flat.items.empty() && flat.items.back() == item) continue;
    }
    if (request.limit == 0) break;
    if (flat.items.size() == request.limit) {
      flat.truncated = true;
      break;
    }
    flat.items.push_back(item);
  }
  return flat;
}

TEST(Listing, AgreesWithANaiveModel) {
  base::ManualClock clock;
  async::ManualCore core{clock};
  base::SeededRandom random{11};
  for (int round = 0; round < 60; ++round) {
    store::MemoryStore store;
    std::set<std::string> keys;
    store::Batch batch;
    batch.put("s.", "before");
    batch.put("s0", "behind");
    for (std::uint64_t i = random.below(150); i > 0; --i) {
      std::string key = base::random_text(random, "ab/", 1 + random.below(6));
      if (random.below(9) == 0) key += "\xc3\xa9";
      batch.put("s/" + key, "");
      keys.insert(std::move(key));
    }
    ASSERT_TRUE(store.submit(std::move(batch)).has_value());
    for (int ask = 0; ask < 40; ++ask) {
      ListRequest request{.prefix = base::random_text(random, "ab/", random.below(3)),
                          .delimiter = random.below(3) == 0   ? ""
                                       : random.below(4) == 0 ? "b"
                                                              : "/",
                          .after = base::random_text(random, "ab/", random.below(4)),
                          .limit = random.below(12)};
      const Flat expected = naive(keys, request);
      const auto got = core.run(list_names(store, "s/", request));
      ASSERT_TRUE(got.has_value());
      std::vector<std::string> items = got->prefixes;
      for (const auto& entry : got->entries) items.push_back(entry.key);
      std::ranges::sort(items);
      ASSERT_EQ(items, expected.items) << request.prefix << " " << request.after;
      ASSERT_EQ(got->truncated, expected.truncated);
      if (!items.empty()) ASSERT_EQ(got->last, items.back());
    }
  }
}

TEST(Codec, RefusesWhatItDidNotMake) {
  const std::string good = encode_object({.key = "k", .size = 3, .etag = "e", .blobs = {{"i", 3}}});
  EXPECT_TRUE(decode_object(good, "k").has_value());
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(decode_object(good.substr(0, cut), "k").has_value());
  EXPECT_FALSE(decode_object(good + "x", "k").has_value());
}

TEST(Codec, WritesTheDocumentedExample) {
  const Part part{.number = 2,
                  .etag = "ab",
                  .modified = base::from_epoch_ms(1000),
                  .checksum = {},
                  .blob = {.id = "7f", .size = 3}};
  EXPECT_EQ(base::hex(encode_part(part)),
            "01"
            "0002"
            "000000026162"
            "00000000000003e8"
            "000000000000000000"
            "000000023766"
            "0000000000000003"
            "00");
  const auto back = decode_part(encode_part(part));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->blob.id, "7f");
}

}  // namespace
}  // namespace objects

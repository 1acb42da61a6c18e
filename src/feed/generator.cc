#include "feed/generator.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <span>

#include "base/random.h"
#include "feed/shape.h"

namespace feed {
namespace {

namespace json = boost::json;
using base::SeededRandom;
using Words = std::span<const std::string_view>;

constexpr std::uint64_t kUsers = 4000;
constexpr std::uint64_t kTweetsPerSecond = 5;         // of the tweets' own time
constexpr std::int64_t kStartMs = 1'409'444'955'000;  // Sun Aug 31 00:29:15 +0000 2014
constexpr std::uint64_t kFirstId = 505'874'924'095'815'681;
constexpr std::uint64_t kIdStep = 838'860'811;  // ids rise as the tweets' time does
constexpr std::uint64_t kTwinOneIn = 50;
constexpr std::uint64_t kTwinReach = 8;  // how many tweets back the other one may be

// What a number's stream of randomness is for; streams do not overlap.
enum class Purpose : std::uint64_t { kTweet = 1, kUser = 2, kTwin = 3, kOriginal = 4 };

struct Script {
  std::string_view lang;
  Words names;
  Words phrases;
  std::string_view between;
};

constexpr std::array<std::string_view, 12> kLatinNames = {
    "Amelia Stone", "Björn Ås",     "Chloé Durand", "Dario Conti", "Élise Martin", "Freya",
    "Gaël Le Roux", "Hanna Müller", "Ivo Novák",    "José Peña",   "Kasia Wójcik", "Łukasz"};
constexpr std::array<std::string_view, 14> kLatinPhrases = {
    "the tide came in early today",     "who left the kettle on?",      "new bread, old butter",
    "café crème beats everything",      "can't believe it's Sunday",    "rain again & again",
    "my cat reviewed the pull request", "reading by the window",        "\"fast\" is a feeling",
    "the bus was <late>, as always",    "over the hills and back home", "déjà vu at the bakery",
    "one more song before bed",         "growing tomatoes on a balcony"};
constexpr std::array<std::string_view, 12> kJapaneseNames = {
    "さくら", "ゆうき", "はると", "みお", "そら",   "あおい",
    "たけし", "なつみ", "けんた", "りん", "ひなた", "まこと"};
constexpr std::array<std::string_view, 12> kJapanesePhrases = {
    "今日は空がとても青い", "駅前のパン屋さんが好き", "ねむい…",
    "明日も早起きする！",   "コーヒーがおいしい朝",   "新しい靴を買った",
    "電車が少し遅れている", "猫が窓の外を見ている",   "週末は海へ行きたい",
    "カレーを作りすぎた",   "雨の音が好きです",       "本を一冊読み終えた"};
constexpr std::array<std::string_view, 8> kArabicNames = {"ليلى", "سامي", "نور",  "كريم",
                                                          "هدى",  "يوسف", "سلمى", "طارق"};
constexpr std::array<std::string_view, 8> kArabicPhrases = {
    "صباح الخير من المدينة", "القهوة أولاً ثم العمل", "البحر هادئ اليوم", "قرأت كتاباً جميلاً",
    "السماء صافية",          "اشتريت خبزاً طازجاً",    "أين القطة؟",       "موعدنا غداً"};
constexpr std::array<std::string_view, 6> kHebrewNames = {"נועה",  "איתי", "תמר",
                                                          "יונתן", "שירה", "עומר"};
constexpr std::array<std::string_view, 6> kHebrewPhrases = {"בוקר טוב לכולם",  "הים שקט היום",
                                                            "קפה ועוגה",       "איפה החתול?",
                                                            "ספר חדש על המדף", "מחר יורד גשם"};
constexpr std::array<std::string_view, 14> kEmoji = {
    "😋", "✨", "🌸", "👩‍🚀",    "🇯🇵", "👍🏽", "❤️", "🎉",
    "🐈", "☕", "🌧️", "🏳️‍🌈", "💖", "🚲"};
constexpr std::array<std::string_view, 8> kTags = {"caturday", "朝ごはん", "nowplaying", "sunday",
                                                   "写真",     "coffee",   "مدينة",      "rain"};

constexpr std::array<Script, 4> kScripts = {{{"ja", kJapaneseNames, kJapanesePhrases, ""},
                                             {"en", kLatinNames, kLatinPhrases, ". "},
                                             {"ar", kArabicNames, kArabicPhrases, "، "},
                                             {"he", kHebrewNames, kHebrewPhrases, ", "}}};

std::string_view pick(SeededRandom& random, Words words) {
  return words[random.below(words.size())];
}
bool chance(SeededRandom& random, std::uint64_t percent) { return random.below(100) < percent; }

SeededRandom stream(std::uint64_t seed, Purpose purpose, std::uint64_t number) {
  SeededRandom outer(seed + static_cast<std::uint64_t>(purpose) * 0xD1342543DE82EF95U);
  SeededRandom inner(outer.next() ^ (number * 0xA0761D6478BD642FU));
  return SeededRandom(inner.next());
}

const Script& script_of(SeededRandom& random) {
  const std::uint64_t draw = random.below(100);
  return kScripts.at(draw < 45 ? 0 : draw < 85 ? 1 : draw < 94 ? 2 : 3);
}

std::string words(SeededRandom& random, const Script& script, std::uint64_t phrases) {
  std::string text;
  for (std::uint64_t i = 0; i < phrases; ++i) {
    if (i > 0) text += script.between;
    text += pick(random, script.phrases);
    if (chance(random, 30)) text += pick(random, kEmoji);
  }
  return text;
}

std::string date(std::int64_t ms) { return tweet_time(base::from_epoch_ms(ms)); }

json::object user(std::uint64_t seed, std::uint64_t number) {
  SeededRandom random = stream(seed, Purpose::kUser, number);
  const Script& script = script_of(random);
  std::string name(pick(random, script.names));
  if (chance(random, 35)) name += pick(random, kEmoji);
  name += fmt::format(" {}", number);
  const std::string screen_name = fmt::format(
      "{}_{}", base::random_text(random, base::kLowerAlphanumeric, 4 + random.below(6)), number);
  const std::uint64_t id = 10'000'000 + number * 613'651;
  const std::string image = fmt::format("example.com/profile_images/{}/normal.jpeg", id);
  const std::string background = "example.com/images/themes/theme1/bg.png";
  json::object made{{"id", id}, {"id_str", fmt::to_string(id)}, {"name", name}};
  made["screen_name"] = screen_name;
  made["location"] = chance(random, 40) ? pick(random, script.names) : std::string_view();
  made["description"] = words(random, script, random.below(5));
  made["url"] = nullptr;
  made["entities"] = {{"description", {{"urls", json::array()}}}};
  made["protected"] = false;
  made["followers_count"] = random.below(5000);
  made["friends_count"] = random.below(1500);
  made["listed_count"] = random.below(40);
  made["created_at"] = date(kStartMs - static_cast<std::int64_t>(random.below(150'000'000)) * 1000);
  made["favourites_count"] = random.below(9000);
  made["utc_offset"] = nullptr;
  made["time_zone"] = nullptr;
  made["geo_enabled"] = chance(random, 30);
  made["verified"] = false;
  made["statuses_count"] = random.below(90'000);
  made["lang"] = script.lang;
  made["contributors_enabled"] = false;
  made["is_translator"] = false;
  made["profile_background_color"] = "C0DEED";
  made["profile_background_image_url"] = "http://" + background;
  made["profile_background_image_url_https"] = "https://" + background;
  made["profile_background_tile"] = false;
  made["profile_image_url"] = "http://" + image;
  made["profile_image_url_https"] = "https://" + image;
  made["profile_link_color"] = "0084B4";
  made["profile_sidebar_border_color"] = "C0DEED";
  made["profile_sidebar_fill_color"] = "DDEEF6";
  made["profile_text_color"] = "333333";
  made["profile_use_background_image"] = true;
  made["default_profile"] = chance(random, 60);
  made["default_profile_image"] = false;
  made["following"] = false;
  made["follow_request_sent"] = false;
  made["notifications"] = false;
  return made;
}

json::object entities(SeededRandom& random) {
  json::array tags;
  json::array urls;
  for (std::uint64_t i = random.below(3); i > 0; --i)
    tags.push_back({{"text", pick(random, kTags)}, {"indices", {0, 0}}});
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    const std::string code = base::random_text(random, base::kBase62, 10);
    urls.push_back({{"url", "http://example.com/" + code},
                    {"expanded_url", "http://example.com/articles/2014/08/" + code},
                    {"display_url", "example.com/articles/…"},
                    {"indices", {0, 22}}});
  }
  return {{"hashtags", std::move(tags)},
          {"symbols", json::array()},
          {"urls", std::move(urls)},
          {"user_mentions", json::array()}};
}

struct Author {
  std::uint64_t number = 0;
  std::int64_t created_ms = 0;
};

// The smaller the number, the busier: a user's share falls with the square root of it.
std::uint64_t draw_user(SeededRandom& random) {
  const std::uint64_t a = random.below(kUsers);
  return a * random.below(kUsers) / kUsers;
}

Author author_of(std::uint64_t seed, std::uint64_t index) {
  for (;;) {
    SeededRandom random = stream(seed, Purpose::kTwin, index);
    const bool twin = index >= kTwinReach && random.below(kTwinOneIn) == 0;
    if (!twin) {
      const std::uint64_t second = index / kTweetsPerSecond;
      return {draw_user(random), kStartMs + static_cast<std::int64_t>(second) * 1000};
    }
    index -= 1 + random.below(kTwinReach);
  }
}

json::object make_tweet(std::uint64_t seed, SeededRandom& random, std::uint64_t id,
                        const Author& author) {
  const Script& script = script_of(random);
  json::object made{{"metadata", {{"result_type", "recent"}, {"iso_language_code", script.lang}}}};
  made["created_at"] = date(author.created_ms);
  made["id"] = id;
  made["id_str"] = fmt::to_string(id);
  std::string text = words(random, script, 1 + random.below(4));
  if (chance(random, 30)) text += fmt::format("\n#{}", pick(random, kTags));
  made["text"] = std::move(text);
  made["source"] = R"(<a href="http://example.com/app" rel="nofollow">An app</a>)";
  made["truncated"] = false;
  for (const char* const name :
       {"in_reply_to_status_id", "in_reply_to_status_id_str", "in_reply_to_user_id",
        "in_reply_to_user_id_str", "in_reply_to_screen_name"})
    made[name] = nullptr;
  made["user"] = user(seed, author.number);
  for (const char* const name : {"geo", "coordinates", "place", "contributors"})
    made[name] = nullptr;
  made["retweet_count"] = random.below(300);
  made["favorite_count"] = random.below(500);
  made["entities"] = entities(random);
  made["favorited"] = false;
  made["retweeted"] = false;
  made["lang"] = script.lang;
  return made;
}

}  // namespace

std::string Generator::tweet(std::uint64_t index) const {
  const Author author = author_of(seed_, index);
  SeededRandom random = stream(seed_, Purpose::kTweet, index);
  json::object made = make_tweet(seed_, random, kFirstId + index * kIdStep, author);
  // What is passed on carries the whole of what it passes on: that is where the large ones are.
  std::uint64_t inner = chance(random, 60) ? 1 + random.below(100) / 90 : 0;
  json::object* outer = &made;
  for (; inner > 0; --inner) {
    SeededRandom theirs = stream(seed_, Purpose::kOriginal, index * 4 + inner);
    const std::int64_t age_ms = static_cast<std::int64_t>(1 + theirs.below(86'400)) * 1000;
    const Author other{draw_user(theirs), author.created_ms - age_ms};
    const std::uint64_t id = kFirstId - 1 - theirs.below(kFirstId / 1000);
    const char* const name = outer == &made ? "retweeted_status" : "quoted_status";
    json::value& placed = (*outer)[name];
    placed = make_tweet(seed_, theirs, id, other);
    outer = &placed.get_object();
  }
  return json::serialize(made);
}

}  // namespace feed

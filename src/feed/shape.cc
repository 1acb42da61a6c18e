#include "feed/shape.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace feed {
namespace {

namespace json = boost::json;
using base::ErrorCode;
using Shaped = base::Result<std::optional<json::object>>;

constexpr std::size_t kDepthMax = 128;

// The value at a path of members, nullptr if there is none.
const json::value* find(const json::value& from, std::string_view path) {
  const json::value* at = &from;
  while (!path.empty() && at != nullptr) {
    const std::size_t dot = path.find('.');
    const json::object* const object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

std::string text_at(const json::value& from, std::string_view path) {
  const json::value* const found = find(from, path);
  if (found == nullptr || found->is_null()) return {};
  if (found->is_string()) return std::string(found->get_string());
  return found->is_structured() ? std::string() : json::serialize(*found);
}

std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size()) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
    if (begins && count-- == 0) break;
    ++at;
  }
  return std::string(text.substr(0, at));
}

std::string digest_key(std::string_view data) { return base::hex(base::md5(data)); }

std::string partition_key(const json::value& value, std::string_view path, std::string_view data) {
  std::string key = text_at(value, path);
  if (key.empty()) key = text_at(value, "user.name");
  if (key.empty()) key = digest_key(data);
  return first_characters(key, kPartitionKeyCharsMax);
}

base::Result<std::optional<Record>> within_limit(Record record) {
  if (record.bytes() > kRecordBytesMax)
    return base::error(ErrorCode::kLimit,
                       fmt::format("{} bytes are over AWS's limit of a record, {}", record.bytes(),
                                   kRecordBytesMax));
  return record;
}

// A tweet with what the processor and people need of it.
json::object tweet(std::string_view id, base::Timestamp created, std::string_view text,
                   std::string_view lang) {
  json::object made{{"created_at", tweet_time(created)}};
  std::uint64_t number = 0;
  const auto [stopped, failed] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (failed == std::errc() && stopped == id.data() + id.size()) made["id"] = number;
  made["id_str"] = id;
  made["text"] = text;
  made["lang"] = lang;
  return made;
}

base::Result<base::Timestamp> time_at(const json::value& from, std::string_view path) {
  const auto time = base::parse_iso8601(text_at(from, path));
  if (time) return *time;
  return base::error(ErrorCode::kInvalidArgument, fmt::format("no time in \"{}\"", path));
}

Shaped from_x_v2(const json::value& event) {
  const json::value* const data = find(event, "data");
  if (data == nullptr) return std::nullopt;
  ASSIGN_OR_RETURN(const auto created, time_at(*data, "created_at"));
  const std::string author = text_at(*data, "author_id");
  auto made = tweet(text_at(*data, "id"), created, text_at(*data, "text"), text_at(*data, "lang"));
  json::object user{{"id_str", author}};
  const json::value* const users = find(event, "includes.users");
  if (users != nullptr && users->is_array())
    for (const json::value& one : users->get_array()) {
      if (text_at(one, "id") != author) continue;
      user["name"] = text_at(one, "name");
      user["screen_name"] = text_at(one, "username");
    }
  if (!user.contains("name"))
    return base::error(ErrorCode::kInvalidArgument,
                       "the tweet comes without its author (ask for expansions=author_id)");
  made["user"] = std::move(user);
  return made;
}

Shaped from_mastodon(const Event& message, const json::value& event) {
  if (message.type != "update") return std::nullopt;
  ASSIGN_OR_RETURN(const auto created, time_at(event, "created_at"));
  auto made = tweet(text_at(event, "id"), created, text_of_html(text_at(event, "content")),
                    text_at(event, "language"));
  const std::string shown = text_at(event, "account.display_name");
  const std::string account = text_at(event, "account.acct");
  if (account.empty()) return base::error(ErrorCode::kInvalidArgument, "a status of nobody");
  made["user"] = {{"id_str", text_at(event, "account.id")},
                  {"name", shown.empty() ? account : shown},
                  {"screen_name", account}};
  return made;
}

Shaped from_wikimedia(const json::value& event) {
  const std::string domain = text_at(event, "meta.domain");
  if (domain == "canary") return std::nullopt;
  ASSIGN_OR_RETURN(const auto created, time_at(event, "meta.dt"));
  const std::string user = text_at(event, "user");
  if (user.empty()) return base::error(ErrorCode::kInvalidArgument, "a change by nobody");
  const std::string comment = text_at(event, "comment");
  const std::string text = text_at(event, "title") + (comment.empty() ? "" : ": ") + comment;
  auto made = tweet(text_at(event, "meta.id"), created, text, "");
  made["user"] = {{"name", user}, {"screen_name", user + "@" + domain}};
  return made;
}

struct Reference {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<Reference, 7> kReferences = {{{"&lt;", "<"},
                                                   {"&gt;", ">"},
                                                   {"&amp;", "&"},
                                                   {"&quot;", "\""},
                                                   {"&#39;", "'"},
                                                   {"&apos;", "'"},
                                                   {"&nbsp;", " "}}};

}  // namespace

std::string tweet_time(base::Timestamp time) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format(
      "{} {} {:02} {:02}:{:02}:{:02} +0000 {}", kDays.at(std::chrono::weekday(day).c_encoding()),
      kMonths.at(static_cast<unsigned>(date.month()) - 1), static_cast<unsigned>(date.day()),
      clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
      static_cast<int>(date.year()));
}

std::string text_of_html(std::string_view html) {
  std::string text;
  while (!html.empty()) {
    const std::size_t mark = html.find_first_of("<&");
    text += html.substr(0, mark);
    if (mark == std::string_view::npos) break;
    html.remove_prefix(mark);
    if (html.front() == '<') {
      const std::size_t end = html.find('>');
      const std::string_view tag = html.substr(1, end == std::string_view::npos ? end : end - 1);
      if (tag.starts_with("br") || tag == "/p") text += '\n';
      html.remove_prefix(end == std::string_view::npos ? html.size() : end + 1);
      continue;
    }
    std::size_t used = 1;
    std::string_view meaning = "&";
    for (const Reference& reference : kReferences)
      if (html.starts_with(reference.name)) used = reference.name.size(), meaning = reference.text;
    text += meaning;
    html.remove_prefix(used);
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

base::Result<std::optional<Record>> make_record(const Event& event, Shape shape,
                                                std::string_view key_path) {
  if (!event.problem.empty()) return base::error(ErrorCode::kLimit, event.problem);
  // Mastodon's other events are not JSON.
  if (shape == Shape::kMastodon && event.type != "update") return std::nullopt;
  json::error_code failed;
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::value value = json::parse(event.text, failed, {}, options);
  if (failed) return base::error(ErrorCode::kInvalidArgument, "not JSON: " + failed.message());
  Shaped shaped = std::nullopt;
  if (shape == Shape::kTweet && find(value, "text") == nullptr) return std::nullopt;
  if (shape == Shape::kXv2) shaped = from_x_v2(value);
  if (shape == Shape::kMastodon) shaped = from_mastodon(event, value);
  if (shape == Shape::kWikimedia) shaped = from_wikimedia(value);
  if (!shaped) return std::unexpected(shaped.error());
  Record record;
  if (shape == Shape::kAsIs || shape == Shape::kTweet) {
    record.data = event.text;
  } else {
    if (!*shaped) return std::nullopt;
    value = **std::move(shaped);
    record.data = json::serialize(value);
  }
  record.partition_key = partition_key(value, key_path, record.data);
  return within_limit(std::move(record));
}

base::Result<std::optional<Record>> line_record(const Event& event, const std::string& key) {
  if (!event.problem.empty()) return base::error(ErrorCode::kLimit, event.problem);
  return within_limit(
      {.data = event.text, .partition_key = key.empty() ? digest_key(event.text) : key});
}

}  // namespace feed

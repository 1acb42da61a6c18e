#include "feed/sse_parser.h"

#include <charconv>

namespace feed {

namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::uint64_t kRetryMsMax = 3'600'000;  // longer waits are the server's mistake
}  // namespace

void SseParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    // Of an event that is dropped, a line only has to be recognised as not empty.
    if (!too_long_) line_ += part;
    else if (!part.empty()) line_ = ":";
    if (line_.size() + data_.size() > event_bytes_max_) {
      line_ = ":";
      data_ = {};
      too_long_ = true;
    }
    bytes.remove_prefix(part.size());
    if (bytes.empty()) return;
    after_cr_ = bytes.front() == '\r';
    bytes.remove_prefix(1);
    end_line();
  }
}

std::optional<SseEvent> SseParser::next() {
  if (ready_.empty()) return std::nullopt;
  SseEvent event = std::move(ready_.front());
  ready_.pop_front();
  return event;
}

void SseParser::end_line() {
  std::string_view line = line_;
  if (at_start_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  at_start_ = false;
  if (line.empty()) dispatch();
  const std::size_t colon = line.find(':');
  if (!line.empty() && colon != 0 && !too_long_) {
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    field(line.substr(0, colon), value);
  }
  line_.clear();
}

void SseParser::field(std::string_view name, std::string_view value) {
  if (name == "data") data_.append(value).push_back('\n');
  else if (name == "event") type_ = value;
  else if (name == "id" && value.find('\0') == std::string_view::npos) last_id_ = value;
  if (name != "retry" || value.empty()) return;
  std::uint64_t ms = 0;
  const char* const end = value.data() + value.size();
  const auto [stopped, failed] = std::from_chars(value.data(), end, ms);
  if (failed == std::errc() && stopped == end) retry_ms_ = std::min(ms, kRetryMsMax);
}

void SseParser::dispatch() {
  if (too_long_) ++dropped_;
  if (!data_.empty()) {
    data_.pop_back();
    if (!data_.empty())
      ready_.push_back({type_.empty() ? "message" : std::move(type_), std::move(data_), last_id_});
  }
  type_ = {};
  data_ = {};
  too_long_ = false;
}

}  // namespace feed

#include "feed/line_splitter.h"

#include "base/check.h"

namespace feed {

void LineSplitter::feed(std::string piece) {
  CHECK(at_ == piece_.size());
  piece_ = std::move(piece);
  at_ = 0;
}

std::optional<Line> LineSplitter::next() {
  const std::string_view rest = std::string_view(piece_).substr(at_);
  const std::size_t end = rest.find('\n');
  const std::string_view part = rest.substr(0, end);
  // One more than the limit is kept, because it may prove to be a CR.
  const bool fits = !too_long_ && unfinished_.size() + part.size() <= line_bytes_max_ + 1;
  if (fits) unfinished_ += part;
  else unfinished_ = {}, too_long_ = true;
  const bool whole = end != std::string_view::npos;
  const std::size_t used = part.size() + (whole ? 1 : 0);
  at_ += used;
  offset_ += used;
  if (!whole) return std::nullopt;
  return take();
}

std::optional<Line> LineSplitter::finish() {
  if (unfinished_.empty() && !too_long_) return std::nullopt;
  return take();
}

Line LineSplitter::take() {
  if (unfinished_.ends_with('\r')) unfinished_.pop_back();
  if (unfinished_.size() > line_bytes_max_) too_long_ = true;
  Line line{.end = offset_, .too_long = too_long_};
  if (!too_long_) line.text = std::move(unfinished_);
  unfinished_ = {};
  too_long_ = false;
  return line;
}

}  // namespace feed

#include "client/text_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"

namespace client {
namespace {

struct Lines {
  std::string_view across, down;
  std::string_view top[3], middle[3], bottom[3];
};
constexpr Lines kUnicode = {"─", "│", {"┌", "┬", "┐"}, {"├", "┼", "┤"}, {"└", "┴", "┘"}};
constexpr Lines kAscii = {"-", "|", {"+", "+", "+"}, {"+", "+", "+"}, {"+", "+", "+"}};

std::vector<std::size_t> widths_of(const TextTable& table) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t width = characters_of(table.columns[i].title);
    for (const auto& row : table.rows) width = std::max(width, characters_of(row.at(i)));
    if (!table.total.empty()) width = std::max(width, characters_of(table.total.at(i)));
    widths.push_back(width);
  }
  return widths;
}

void rule(std::string& out, const Lines& lines, const std::string_view (&corners)[3],
          const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < widths.size(); ++i) {
    out += i == 0 ? corners[0] : corners[1];
    for (std::size_t n = 0; n < widths[i] + 2; ++n) out += lines.across;
  }
  out += corners[2];
  out += '\n';
}

void row(std::string& out, const Lines& lines, const std::vector<std::string>& cells,
         const std::vector<Column>& columns, const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const std::string space(widths[i] - characters_of(cells.at(i)), ' ');
    out += lines.down;
    out += fmt::format(" {}{}{} ", columns[i].right ? space : "", cells[i],
                       columns[i].right ? "" : space);
  }
  out += lines.down;
  out += '\n';
}

}  // namespace

std::size_t TextTable::characters() const {
  std::size_t sum = 1;
  for (const std::size_t width : widths_of(*this)) sum += width + 3;
  return sum;
}

std::string TextTable::draw(const DrawStyle& style) const {
  const Lines& lines = style.unicode ? kUnicode : kAscii;
  const auto widths = widths_of(*this);
  std::vector<std::string> titles;
  for (const Column& column : columns) titles.push_back(column.title);
  std::string out;
  rule(out, lines, lines.top, widths);
  row(out, lines, titles, columns, widths);
  rule(out, lines, lines.middle, widths);
  for (const auto& cells : rows) row(out, lines, cells, columns, widths);
  if (!total.empty()) {
    rule(out, lines, lines.middle, widths);
    row(out, lines, total, columns, widths);
  }
  rule(out, lines, lines.bottom, widths);
  return out;
}

std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string visible(std::string_view text) {
  const bool utf8 = base::is_valid_utf8(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == '\n') out += "\\n";
    else if (byte == '\r') out += "\\r";
    else if (byte == '\t') out += "\\t";
    else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8))
      out += fmt::format("\\x{:02x}", byte);
    // U+0080 to U+009F steer terminals as well.
    else if (byte == 0xC2 && next < 0xA0) out += fmt::format("\\x{:02x}", next), ++i;
    else out += text[i];
  }
  return out;
}

}  // namespace client

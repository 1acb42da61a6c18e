#pragma once

// Tables drawn with lines, for a terminal. Pure.

#include <string>
#include <vector>

namespace client {

struct Column {
  std::string title;
  bool right = false;  // numbers
};

struct DrawStyle {
  bool unicode = true;             // lines and bars in Unicode; otherwise ASCII
  std::size_t characters_max = 0;  // of a line; 0: any
};

struct TextTable {
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as columns
  std::vector<std::string> total;              // a last row under a line; empty: none

  std::size_t characters() const;  // of a line
  std::string draw(const DrawStyle& style) const;
};

// Characters, not bytes; takes each for one cell wide.
std::size_t characters_of(std::string_view text);
// What would steer a terminal becomes visible: \n, \t, \x1b, and so on. Bytes that are not UTF-8
// are taken for such, too.
std::string visible(std::string_view text);

}  // namespace client

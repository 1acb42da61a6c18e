#pragma once

// Reading what is to be imported: files of lines, as items. Pure; no file's name, no store.
// What is wrong with a line is told and passed over; a line longer than kImportLineMax is wrong.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/error.h"
#include "tables/definition.h"

namespace backups {

inline constexpr std::size_t kImportLineMax = 2U << 20U;

enum class ImportFormat : std::uint8_t { kJson, kCsv, kIon };

// A file in pieces, as its lines, without their ends. For CSV a line's end within quotes belongs to
// the line; for JSON, objects that follow each other on a line are lines of their own. One that is
// too long comes as an empty one that is marked.
class Lines {
 public:
  explicit Lines(ImportFormat format) : format_(format) {}
  void feed(std::string_view piece);
  // Nothing more comes: what has no end is a line.
  void end();
  struct Line {
    std::string text;
    bool too_long = false;
  };
  // The lines that are whole; they are gone afterwards.
  std::vector<Line> take() { return std::exchange(lines_, {}); }

 private:
  void finish();
  // Takes note of a character of JSON; true: it ends an object.
  bool closes_object(char c);

  const ImportFormat format_;
  bool quoted_ = false;
  bool escaped_ = false;   // JSON: within a string, behind a backslash
  bool closed_ = false;    // JSON: an object of this line is a line already
  std::size_t depth_ = 0;  // JSON: braces that are open
  Line open_;
  std::vector<Line> lines_;
};

// Lines of one file as items of the table.
class ItemParser {
 public:
  struct Settings {
    ImportFormat format = ImportFormat::kJson;
    char delimiter = ',';
    std::vector<std::string> header;  // CSV: empty: the first line of the file is it
  };
  // `table` outlives it.
  ItemParser(const tables::Definition& table, Settings settings)
      : table_(table), settings_(std::move(settings)) {}

  // nullopt: the line holds no item (it is empty, or a header). The error is AWS's for PutItem.
  api::Outcome<std::optional<tables::Item>> parse(const Lines::Line& line);

 private:
  api::Outcome<tables::Item> parse_csv(std::string_view line) const;

  const tables::Definition& table_;
  Settings settings_;
};

// The fields of a CSV line (RFC 4180). nullopt: quotes that do not fit.
std::optional<std::vector<std::string>> csv_fields(std::string_view line, char delimiter);

}  // namespace backups

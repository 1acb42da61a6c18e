// Files to import, in every format, in two pieces.
#include <cstddef>
#include <cstdint>

#include "backups/import_text.h"
#include "backups/inflate.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backups;
  if (size < 2) return 0;
  const auto format = static_cast<ImportFormat>(data[0] % 3);
  const auto compression = static_cast<Compression>(data[1] % 3);
  const std::string file(reinterpret_cast<const char*>(data + 2), size - 2);
  tables::Definition table;
  table.keys.hash = {"k", tables::Type::kS};
  table.attributes = {{"k", tables::Type::kS}};
  Inflater inflater(compression);
  Lines lines(format);
  ItemParser parser(table, {.format = format});
  for (const std::string& piece : {file.substr(0, file.size() / 2), file.substr(file.size() / 2)}) {
    inflater.feed(piece);
    for (;;) {
      const auto text = inflater.take(4096);
      if (!text) return 0;
      if (text->empty()) break;
      lines.feed(*text);
    }
  }
  lines.end();
  for (const Lines::Line& line : lines.take()) static_cast<void>(parser.parse(line));
  return 0;
}

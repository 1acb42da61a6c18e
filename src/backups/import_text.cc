#include "backups/import_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "backups/ion.h"
#include "base/encoding.h"
#include "tables/key.h"
#include "wire/json_codec.h"

namespace backups {

namespace {

namespace d = api::dynamodb;
using tables::Item;
using tables::Value;

api::Outcome<Item> parse_json(std::string_view line) {
  // {"Item": {...}}: the shape of a request to put one.
  auto decoded =
      wire::decode_json<d::PutRequest>(line, d::kPutRequestShape, wire::JsonFlavour::kDynamo);
  if (!decoded) return std::unexpected(std::move(decoded).error());
  if (!decoded->item) return tables::refuse("The line has no Item");
  return std::move(**decoded->item);
}

// What PutItem would refuse.
std::optional<api::Error> check(const tables::Definition& table, Item& item) {
  if (const auto wrong = tables::normalise(item)) return tables::validation(*wrong);
  if (auto wrong = tables::check_item_key(table.keys, item)) return wrong;
  if (auto wrong = tables::check_index_keys(table, item)) return wrong;
  if (tables::item_size(item) > tables::kItemBytesMax)
    return tables::validation("Item size has exceeded the maximum allowed size");
  const auto is_deep = [](const auto& entry) { return tables::nests_too_deep(entry.second); };
  if (std::ranges::any_of(item, is_deep))
    return tables::validation("Nesting Levels have exceeded supported limits");
  return std::nullopt;
}

Value csv_value(const tables::Definition& table, const std::string& name, std::string text) {
  const auto key = std::ranges::find(table.attributes, name, &tables::KeyAttribute::name);
  const tables::Type type = key == table.attributes.end() ? tables::Type::kS : key->type;
  if (type == tables::Type::kN) return Value::of_n(std::move(text));
  if (type == tables::Type::kB) return Value::of_b(base::from_base64(text).value_or(""));
  return Value::of_s(std::move(text));
}

}  // namespace

void Lines::feed(std::string_view piece) {
  for (const char c : piece) {
    const bool csv = format_ == ImportFormat::kCsv;
    if (csv && c == '"') quoted_ = !quoted_;
    if (c == '\n' && !(csv && quoted_)) {
      const bool nothing_more = closed_ && (open_.text.empty() || open_.text == "\r");
      if (nothing_more) open_ = {};
      else finish();
      closed_ = false;
      continue;
    }
    if (open_.text.size() < kImportLineMax) open_.text += c;
    else open_.too_long = true;
    if (format_ == ImportFormat::kJson && closes_object(c)) {
      finish();
      closed_ = true;
    }
  }
}

bool Lines::closes_object(char c) {
  if (quoted_) {
    if (escaped_) escaped_ = false;
    else if (c == '\\') escaped_ = true;
    else if (c == '"') quoted_ = false;
    return false;
  }
  if (c == '"') quoted_ = true;
  if (c == '{') ++depth_;
  return c == '}' && depth_ > 0 && --depth_ == 0;
}

void Lines::end() {
  if (!open_.text.empty() || open_.too_long) finish();
}

void Lines::finish() {
  if (open_.text.ends_with('\r')) open_.text.pop_back();
  if (open_.too_long) open_.text.clear();
  lines_.push_back(std::exchange(open_, {}));
  quoted_ = escaped_ = false;
  depth_ = 0;
}

std::optional<std::vector<std::string>> csv_fields(std::string_view line, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  bool was_quoted = false;  // the field was, and its quotes are closed
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c != '"') fields.back() += c;
      else if (i + 1 < line.size() && line[i + 1] == '"') fields.back() += line[++i];
      else quoted = false, was_quoted = true;
    } else if (c == delimiter) {
      fields.emplace_back();
      was_quoted = false;
    } else if (c == '"' && fields.back().empty() && !was_quoted) {
      quoted = true;
    } else if (c == '"' || was_quoted) {
      return std::nullopt;
    } else {
      fields.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

api::Outcome<Item> ItemParser::parse_csv(std::string_view line) const {
  auto fields = csv_fields(line, settings_.delimiter);
  if (!fields) return tables::refuse("The line's quotes do not match");
  if (fields->size() > settings_.header.size())
    return tables::refuse(fmt::format("The line has {} fields, the header {}", fields->size(),
                                      settings_.header.size()));
  Item item;
  for (std::size_t i = 0; i < fields->size(); ++i) {
    const std::string& name = settings_.header[i];
    item[name] = csv_value(table_, name, std::move((*fields)[i]));
  }
  return item;
}

api::Outcome<std::optional<Item>> ItemParser::parse(const Lines::Line& line) {
  if (line.too_long) return tables::refuse("The line is too long");
  const bool blank = std::ranges::all_of(line.text, [](char c) { return c == ' ' || c == '\t'; });
  if (blank) return std::optional<Item>();
  if (settings_.format == ImportFormat::kCsv && settings_.header.empty()) {
    auto names = csv_fields(line.text, settings_.delimiter);
    if (!names) return tables::refuse("The header's quotes do not match");
    settings_.header = *std::move(names);
    return std::optional<Item>();
  }
  auto item = settings_.format == ImportFormat::kCsv   ? parse_csv(line.text)
              : settings_.format == ImportFormat::kIon ? parse_ion_item(line.text)
                                                       : parse_json(line.text);
  if (!item) return std::unexpected(std::move(item).error());
  if (auto wrong = check(table_, *item)) return std::unexpected(*std::move(wrong));
  return std::optional<Item>(*std::move(item));
}

}  // namespace backups

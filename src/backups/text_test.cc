// The lines of exports and imports: what is written is read back, and what is wrong is told.
#include <gtest/gtest.h>

#include "backups/export_text.h"
#include "backups/import_text.h"
#include "backups/inflate.h"
#include "backups/ion.h"
#include "base/random.h"
#include "wire/content_coding.h"

namespace backups {
namespace {

using tables::Item;
using tables::Value;

Item of_all_kinds() {
  Item inner = {{"deep \"name\"", Value::of_l({Value::of_bool(true), Value::of_null(true)})}};
  return {{"k", Value::of_s("quotes \" and \\ and\n\tcontrol \x01 \xC3\xBC")},
          {"n", Value::of_n("-1.5")},
          {"whole", Value::of_n("7")},
          {"big", Value::of_n("1.25E+100")},
          {"b", Value::of_b(std::string("\0\xff", 2))},
          {"ss", Value::of_ss({"a", "b,]"})},
          {"ns", Value::of_ns({"1", "2.5"})},
          {"bs", Value::of_bs({"x"})},
          {"m", Value::of_m(std::move(inner))},
          {"empty", Value::of_m({})}};
}

tables::Definition table_of_k() {
  tables::Definition made;
  made.keys.hash = {"k", tables::Type::kS};
  made.attributes = {{"k", tables::Type::kS}, {"g", tables::Type::kN}};
  made.indexes = {{.name = "by_g", .global = true, .keys = {.hash = {"g", tables::Type::kN}}}};
  return made;
}

std::vector<Lines::Line> lines_of(ImportFormat format, std::string_view text) {
  Lines lines(format);
  for (const char c : text) lines.feed(std::string_view(&c, 1));
  lines.end();
  return lines.take();
}

class RoundTrip : public testing::TestWithParam<ExportFormat> {};

TEST_P(RoundTrip, AnItemIsReadBack) {
  const bool ion = GetParam() == ExportFormat::kIon;
  std::string text;
  append_item_line(text, GetParam(), of_all_kinds());
  const auto lines = lines_of(ion ? ImportFormat::kIon : ImportFormat::kJson, text);
  ASSERT_EQ(lines.size(), 1U);
  const tables::Definition table = table_of_k();
  ItemParser parser(table, {.format = ion ? ImportFormat::kIon : ImportFormat::kJson});
  const auto item = parser.parse(lines.front());
  ASSERT_TRUE(item) << item.error().message << text;
  Item normal = of_all_kinds();
  ASSERT_FALSE(tables::normalise(normal));
  EXPECT_TRUE(tables::equal(**item, normal)) << text;
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip,
                         testing::Values(ExportFormat::kJson, ExportFormat::kIon));

TEST(ExportText, WritesAwsForms) {
  const Item item = {{"k", Value::of_s("a")}, {"n", Value::of_n("101")}};
  std::string text;
  append_item_line(text, ExportFormat::kJson, item);
  EXPECT_EQ(text, "{\"Item\":{\"k\":{\"S\":\"a\"},\"n\":{\"N\":\"101\"}}}\n");
  text.clear();
  append_item_line(text, ExportFormat::kIon, item);
  EXPECT_EQ(text, "$ion_1_0 {Item:{\"k\":\"a\",\"n\":101.}}\n");
  const NetChange change{
      base::from_epoch_ms(1'680'109'764'000), {{"k", Value::of_s("a")}}, std::nullopt, item};
  text.clear();
  append_change_line(text, ExportFormat::kJson, change, true);
  EXPECT_EQ(text,
            "{\"Metadata\":{\"WriteTimestampMicros\":{\"N\":\"1680109764000000\"}},"
            "\"Keys\":{\"k\":{\"S\":\"a\"}},\"NewImage\":{\"k\":{\"S\":\"a\"},\"n\":{\"N\":"
            "\"101\"}}}\n");
  const auto again = decode_change(encode_change(change));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->time, change.time);
  EXPECT_FALSE(again->before);
  EXPECT_TRUE(tables::equal(*again->after, item));
}

TEST(ImportText, CsvFollowsItsRules) {
  using Fields = std::vector<std::string>;
  EXPECT_EQ(*csv_fields("a,b,", ','), (Fields{"a", "b", ""}));
  EXPECT_EQ(*csv_fields("\"a,\"\"b\"\"\";c", ';'), (Fields{"a,\"b\"", "c"}));
  EXPECT_EQ(*csv_fields("", ','), Fields{""});
  EXPECT_FALSE(csv_fields("\"open", ','));
  EXPECT_FALSE(csv_fields("\"a\"b", ','));
  EXPECT_FALSE(csv_fields("a\"b", ','));
  const auto lines = lines_of(ImportFormat::kCsv, "k,g\r\n\"two\nlines\",1\r\n\nlast,2");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1].text, "\"two\nlines\",1");
  const tables::Definition table = table_of_k();
  ItemParser parser(table, {.format = ImportFormat::kCsv});
  EXPECT_FALSE(*parser.parse(lines[0]));
  const auto item = parser.parse(lines[1]);
  ASSERT_TRUE(item && *item);
  EXPECT_EQ((*item)->at("k").s(), "two\nlines");
  EXPECT_EQ((*item)->at("g").n(), "1");
  EXPECT_FALSE(*parser.parse(lines[2]));
  EXPECT_TRUE(*parser.parse(lines[3]));
  EXPECT_FALSE(parser.parse({.text = "x,y"}));    // no number
  EXPECT_FALSE(parser.parse({.text = ",1"}));     // no key
  EXPECT_FALSE(parser.parse({.text = "a,1,2"}));  // more than the header
}

TEST(ImportText, WhatIsNoItemIsRefused) {
  const tables::Definition table = table_of_k();
  for (const char* text :
       {"{", "[]", "{\"Item\":{}}", "{\"Item\":{\"k\":{\"N\":\"1\"}}}", "{\"k\":{\"S\":\"a\"}}",
        "{\"Item\":{\"k\":{\"S\":\"a\"},\"n\":{\"N\":\"x\"}}}"}) {
    ItemParser parser(table, {.format = ImportFormat::kJson});
    EXPECT_FALSE(parser.parse({.text = text})) << text;
  }
  for (const char* text :
       {"{Item:{k:1.}}", "{Item:{k:\"a\"}", "{Item:{k:'a'}}", "{Item:{k:\"a\",}}", "{k:\"a\"}",
        "{Item:{k:\"a\\q\"}}", "{Item:{k:\"a\",b:{{x}}}}", "{Item:{k:\"a\",n:2020-01-01}}",
        "{Item:{k:\"a\",s:$dynamodb_SS::[1.]}}", "{Item:{k:\"\\uD800\"}}"}) {
    ItemParser parser(table, {.format = ImportFormat::kIon});
    EXPECT_FALSE(parser.parse({.text = text})) << text;
  }
  std::string deep = "{Item:{k:\"a\",l:";
  deep += std::string(5000, '[');
  EXPECT_FALSE(parse_ion_item(deep));
  ItemParser parser(table, {.format = ImportFormat::kJson});
  EXPECT_FALSE(parser.parse({.text = "", .too_long = true}));
}

TEST(ImportText, ObjectsOnOneLineAreLinesOfTheirOwn) {
  const std::string one = R"({"Item":{"k":{"S":"} \" {"}}})";
  const std::string two = R"({"Item":{"k":{"S":"b"}}})";
  for (const std::size_t piece : {1U, 7U, 1000U}) {
    Lines lines(ImportFormat::kJson);
    const std::string text = one + two + "\r\n" + two;
    for (std::size_t at = 0; at < text.size(); at += piece) lines.feed(text.substr(at, piece));
    lines.end();
    std::vector<std::string> found;
    for (const auto& line : lines.take())
      if (!line.text.empty()) found.push_back(line.text);
    EXPECT_EQ(found, (std::vector<std::string>{one, two, two})) << piece;
  }
}

TEST(ImportText, ALineThatIsTooLongIsMarked) {
  const std::string text = std::string(kImportLineMax + 5, 'x') + "\nshort";
  Lines lines(ImportFormat::kJson);
  lines.feed(text);
  lines.end();
  const auto found = lines.take();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[0].too_long);
  EXPECT_EQ(found[1].text, "short");
}

std::optional<std::string> inflated(Compression compression, const std::string& packed,
                                    std::size_t piece, std::size_t limit) {
  Inflater inflater(compression);
  std::string out;
  for (std::size_t at = 0; at < packed.size(); at += piece) {
    inflater.feed(packed.substr(at, piece));
    for (;;) {
      const auto some = inflater.take(limit);
      if (!some) return std::nullopt;
      if (some->empty()) break;
      EXPECT_LE(some->size(), limit);
      out += *some;
    }
  }
  if (!inflater.is_whole()) return std::nullopt;
  return out;
}

TEST(InflaterTest, GivesWhatWasPackedHoweverItComes) {
  base::SeededRandom random{3};
  std::string text = base::random_text(random, base::kBase62, 20'000) + std::string(200'000, 'x');
  const std::string packed = *wire::deflate_body(wire::ContentCoding::kGzip, text);
  struct Steps {
    std::size_t piece, limit;
  };
  for (const Steps& steps :
       {Steps{1, 4096}, Steps{1000, 100}, Steps{1U << 20U, 4096}, Steps{10'000, 1U << 20U}})
    EXPECT_EQ(inflated(Compression::kGzip, packed, steps.piece, steps.limit), text) << steps.piece;
  EXPECT_EQ(inflated(Compression::kGzip, packed + packed, 1000, 1000), text + text);
  EXPECT_EQ(inflated(Compression::kNone, text, 1000, 333), text);
  EXPECT_EQ(inflated(Compression::kGzip, packed.substr(0, packed.size() - 9), 1000, 1000),
            std::nullopt);
  EXPECT_EQ(inflated(Compression::kGzip, text, 1000, 1000), std::nullopt);
  EXPECT_EQ(inflated(Compression::kZstd, text, 1000, 1000), std::nullopt);
}

}  // namespace
}  // namespace backups

#include "services/dynamodb/stored_json.h"

#include "base/encoding.h"
#include "tables/item.h"
#include "tables/stored_item.h"
#include "wire/json_codec.h"

namespace services::dynamodb {

namespace {

using tables::Type;

// Writes {"S":"text"} and the like; elements of sets and names of attributes are plain strings.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void name(std::string_view name) {
    separate();
    wire::append_json_string(out_, name);
    out_ += ':';
    separated_ = true;
  }
  void scalar(Type type, std::string_view text) {
    separate();
    if (in_set_) return append_text(type, text);
    out_ += type == Type::kS ? R"({"S":)" : type == Type::kN ? R"({"N":)" : R"({"B":)";
    append_text(type, text);
    out_ += '}';
  }
  void boolean(bool value) {
    separate();
    out_ += value ? R"({"BOOL":true})" : R"({"BOOL":false})";
  }
  void null() {
    separate();
    out_ += R"({"NULL":true})";
  }
  void begin(Type type) {
    separate();
    out_ += "{\"";
    out_ += tables::type_name(type);
    out_ += type == Type::kM ? "\":{" : "\":[";
    in_set_ = type != Type::kM && type != Type::kL;
    separated_ = true;
  }
  void end(Type type) {
    out_ += type == Type::kM ? "}}" : "]}";
    in_set_ = false;
    separated_ = false;
  }

 private:
  // A comma before whatever is not the first, and not a value behind its name.
  void separate() {
    if (!separated_) out_ += ',';
    separated_ = false;
  }
  void append_text(Type type, std::string_view text) {
    if (type != Type::kB) return wire::append_json_string(out_, text);
    out_ += '"';
    base::append_base64(out_, text);
    out_ += '"';
  }

  std::string& out_;
  bool in_set_ = false;
  bool separated_ = true;
};

}  // namespace

void append_item_json(std::string& out, std::string_view stored) {
  out += '{';
  JsonWriter writer(out);
  CHECK(tables::visit_stored(stored, writer));
  out += '}';
}

tables::Item item_of(std::string_view stored) {
  auto item = tables::decode_item(stored);
  CHECK(item.has_value());
  return *std::move(item);
}

}  // namespace services::dynamodb

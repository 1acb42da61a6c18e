#include "wire/query_codec.h"

#include <charconv>
#include <cstdint>
#include <vector>

#include "base/encoding.h"
#include "base/result.h"
#include "wire/scalars.h"
#include "wire/xml_codec.h"

namespace wire {
namespace {

using api::Kind;
using api::Shape;
using Decoded = api::Outcome<void>;

std::unexpected<api::Error> malformed(std::string message) {
  return api::fail("MalformedInput", 400, std::move(message));
}

// Parameters are kept in name order, so all that lie below a prefix stand together.
class Reader {
 public:
  explicit Reader(const Form& form) : form_(form) {}

  Decoded read_structure(const Shape& shape, const std::string& prefix, void* slot) {
    const api::Member* chosen = nullptr;
    for (const api::Member& member : shape.members) {
      const std::string name = prefix + std::string(member.wire_name);
      if (!is_there(name)) continue;
      if (shape.kind == Kind::kUnion && chosen != nullptr) shape.set_ambiguous(slot);
      chosen = &member;
      RETURN_IF_ERROR(read(*member.shape, name, member.flattened, member.emplace(slot)));
    }
    return {};
  }

 private:
  Decoded read(const Shape& shape, const std::string& name, bool flattened, void* slot) {
    if (is_scalar(shape.kind)) return read_scalar(shape, name, slot);
    if (depth_ == kQueryDepthMax) return malformed("Too many levels in " + name);
    ++depth_;
    Decoded done;
    if (shape.kind == Kind::kList) done = read_list(shape, name, flattened, slot);
    else if (shape.kind == Kind::kMap) done = read_map(shape, name, flattened, slot);
    else done = read_structure(shape, name + ".", slot);
    --depth_;
    return done;
  }

  Decoded read_scalar(const Shape& shape, const std::string& name, void* slot) const {
    const auto found = form_.find(name);
    if (found == form_.end()) return {};
    if (parse_scalar(found->second, shape, slot)) return {};
    return malformed("Invalid value for parameter " + name);
  }

  // "Name" itself or anything below "Name.".
  bool is_there(const std::string& name) const {
    if (form_.contains(name)) return true;
    const std::string below = name + ".";
    const auto at = form_.lower_bound(below);
    return at != form_.end() && at->first.starts_with(below);
  }

  // The numbers that follow `prefix`, in order: however large they are, as many as there are
  // parameters. Numbers are at most nine digits long.
  std::map<std::uint32_t, std::string> indexes(const std::string& prefix) const {
    std::map<std::uint32_t, std::string> found;
    for (auto at = form_.lower_bound(prefix); at != form_.end() && at->first.starts_with(prefix);) {
      const std::string_view rest = std::string_view(at->first).substr(prefix.size());
      const std::string_view digits = rest.substr(0, rest.find('.'));
      std::uint32_t index = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), index);
      const bool number = error == std::errc{} && end == digits.data() + digits.size() &&
                          !digits.empty() && digits.size() <= 9;
      const std::string item = prefix + std::string(digits);
      if (number && index > 0) found.emplace(index, item);
      // Skip what else lies below the same item ('/' is the character after '.').
      if (at->first.starts_with(item + ".")) at = form_.lower_bound(item + "/");
      else ++at;
    }
    return found;
  }

  Decoded read_list(const Shape& shape, const std::string& name, bool flattened, void* slot) {
    const std::string_view element = shape.element_name.empty() ? "member" : shape.element_name;
    const std::string prefix = flattened ? name + "." : name + "." + std::string(element) + ".";
    for (const auto& [index, item] : indexes(prefix))
      RETURN_IF_ERROR(read(*shape.element, item, false, shape.list->push(slot)));
    return {};
  }

  Decoded read_map(const Shape& shape, const std::string& name, bool flattened, void* slot) {
    const std::string key_name = "." + std::string(shape.key_name.empty() ? "key" : shape.key_name);
    const std::string value_name =
        "." + std::string(shape.value_name.empty() ? "value" : shape.value_name);
    for (const auto& [index, item] : indexes(flattened ? name + "." : name + ".entry.")) {
      const auto key = form_.find(item + key_name);
      if (key == form_.end()) return malformed("Missing key in " + item);
      void* const made = shape.map->insert(slot, key->second);
      RETURN_IF_ERROR(read(*shape.element, item + value_name, false, made));
    }
    return {};
  }

  const Form& form_;
  std::size_t depth_ = 0;
};

}  // namespace

api::Outcome<Form> parse_form(std::string_view text) {
  Form form;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (part.empty()) continue;
    if (++count > kQueryParametersMax)
      return api::fail("MalformedQueryString", 400, "The query string has too many parameters");
    const std::size_t equals = part.find('=');
    std::string value;
    if (equals != std::string_view::npos) value = base::uri_decode(part.substr(equals + 1), true);
    if (!base::is_valid_utf8(value))
      return api::fail("MalformedQueryString", 400, "The query string is not UTF-8");
    form.insert_or_assign(base::uri_decode(part.substr(0, equals), true), std::move(value));
  }
  return form;
}

Decoded decode_query(const Form& form, const Shape& shape, void* object) {
  return Reader(form).read_structure(shape, "", object);
}

std::string encode_query(const api::Operation& operation, const void* output,
                         std::string_view request_id) {
  const std::string response = std::string(operation.name) + "Response";
  std::string out = "<" + response + " xmlns=\"";
  append_xml_text(out, operation.service->xml_namespace);
  out += "\">";
  if (!operation.wrapper.empty()) {
    const std::string wrapper(operation.wrapper);
    out += "<" + wrapper + ">";
    append_xml_members(out, *operation.output, output);
    out += "</" + wrapper + ">";
  }
  out += "<ResponseMetadata>";
  append_xml_element(out, "RequestId", request_id);
  return out + "</ResponseMetadata></" + response + ">";
}

}  // namespace wire

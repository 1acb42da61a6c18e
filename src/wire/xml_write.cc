// The writing half of xml_codec.h.

#include "base/encoding.h"
#include "wire/scalars.h"
#include "wire/xml_codec.h"

namespace wire {
namespace {

using api::Kind;
using api::Shape;
using api::TimeFormat;

void append_attributes(std::string& out, const Shape& shape, const void* object) {
  for (const api::Member& member : shape.members) {
    const void* const value = member.attribute ? member.find(object) : nullptr;
    if (value == nullptr) continue;
    const std::size_t colon = member.wire_name.find(':');
    if (colon != std::string_view::npos && !shape.xml_namespace.empty()) {
      out += " xmlns:";
      out += member.wire_name.substr(0, colon);
      out += "=\"";
      append_xml_text(out, shape.xml_namespace);
      out += '"';
    }
    out += ' ';
    out += member.wire_name;
    out += "=\"";
    append_xml_text(out, scalar_text(*member.shape, value, TimeFormat::kIso8601));
    out += '"';
  }
}

void append_value(std::string& out, std::string_view name, const Shape& shape, const void* value,
                  TimeFormat format);

void append_items(std::string& out, std::string_view name, const Shape& list, const void* value) {
  for (std::size_t i = 0; i < list.list->size(value); ++i)
    append_value(out, name, *list.element, list.list->at(value, i), list.element->time_format);
}

void append_entries(std::string& out, std::string_view name, const Shape& map, const void* value) {
  struct Walk {
    std::string& out;
    std::string_view name;
    const Shape& map;
  };
  Walk walk{out, name, map};
  map.map->for_each(value, &walk, [](void* context, const std::string& key, const void* item) {
    auto& w = *static_cast<Walk*>(context);
    w.out += '<';
    w.out += w.name;
    w.out += '>';
    append_xml_element(w.out, w.map.key_name.empty() ? "key" : w.map.key_name, key);
    append_value(w.out, w.map.value_name.empty() ? "value" : w.map.value_name, *w.map.element, item,
                 w.map.element->time_format);
    w.out += "</";
    w.out += w.name;
    w.out += '>';
  });
}

// An empty element is written <name/>, as AWS does.
void close(std::string& out, std::size_t opened, std::string_view name) {
  if (out.size() == opened) {
    out.back() = '/';
    out += '>';
    return;
  }
  out += "</";
  out += name;
  out += '>';
}

void append_value(std::string& out, std::string_view name, const Shape& shape, const void* value,
                  TimeFormat format) {
  if (is_scalar(shape.kind)) {
    append_xml_element(
        out, name,
        scalar_text(shape, value, format == TimeFormat::kProtocol ? TimeFormat::kIso8601 : format));
    return;
  }
  out += '<';
  out += name;
  if (shape.kind == Kind::kStructure || shape.kind == Kind::kUnion)
    append_attributes(out, shape, value);
  out += '>';
  const std::size_t opened = out.size();
  if (shape.kind == Kind::kList)
    append_items(out, shape.element_name.empty() ? "member" : shape.element_name, shape, value);
  else if (shape.kind == Kind::kMap) append_entries(out, "entry", shape, value);
  else append_xml_members(out, shape, value);
  close(out, opened, name);
}

// What XML 1.0 cannot hold even as a reference.
bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

std::string_view escape_of(char c) {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\r': return "&#13;";
    default: return is_forbidden(c) ? "\xef\xbf\xbd" : std::string_view();
  }
}

void append_attribute_namespace(std::string& out, std::string_view name_space) {
  if (name_space.empty()) return;
  out += " xmlns=\"";
  append_xml_text(out, name_space);
  out += '"';
}

}  // namespace

void append_xml_text(std::string& out, std::string_view text) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view escape = escape_of(text[i]);
    if (escape.empty()) continue;
    out += text.substr(plain, i - plain);
    out += escape;
    plain = i + 1;
  }
  out += text.substr(plain);
}

void append_xml_element(std::string& out, std::string_view name, std::string_view text) {
  out += '<';
  out += name;
  out += '>';
  const std::size_t opened = out.size();
  append_xml_text(out, text);
  close(out, opened, name);
}

void append_xml_members(std::string& out, const Shape& shape, const void* object) {
  for (const api::Member& member : shape.members) {
    if (member.location != api::Location::kBody || member.attribute) continue;
    const void* const value = member.find(object);
    if (value == nullptr) continue;
    const Shape& inner = *member.shape;
    if (member.flattened && inner.kind == Kind::kList)
      append_items(out, member.wire_name, inner, value);
    else if (member.flattened && inner.kind == Kind::kMap)
      append_entries(out, member.wire_name, inner, value);
    else
      append_value(out, member.wire_name, inner, value, time_format(member, TimeFormat::kIso8601));
  }
}

std::string encode_xml(const Shape& shape, const void* object, std::string_view root,
                       std::string_view name_space) {
  std::string out(kXmlDeclaration);
  out += '<';
  out += root;
  append_attribute_namespace(out, name_space);
  append_attributes(out, shape, object);
  out += '>';
  const std::size_t opened = out.size();
  append_xml_members(out, shape, object);
  close(out, opened, root);
  return out;
}

}  // namespace wire

#include "wire/xml_codec.h"

#include <algorithm>
#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/result.h"
#include "wire/scalars.h"

namespace wire {
namespace {

using api::Kind;
using api::Shape;
using pugi::xml_node;
using Decoded = api::Outcome<void>;

std::unexpected<api::Error> malformed() {
  return api::fail("MalformedXML", 400,
                   "The XML you provided was not well-formed or did not validate against our "
                   "published schema");
}

// The name without its prefix; namespaces are not told apart.
std::string_view local_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

class Reader {
 public:
  Decoded read(xml_node node, const Shape& shape, void* slot) {
    if (is_scalar(shape.kind)) return read_scalar(node, shape, slot);
    if (depth_ == kXmlDepthMax || ++aggregates_ > kStructuresMax) return malformed();
    ++depth_;
    Decoded done;
    if (shape.kind == Kind::kList) done = read_list(node, shape, slot);
    else if (shape.kind == Kind::kMap) done = read_map(node, shape, slot);
    else done = read_structure(node, shape, slot);
    --depth_;
    return done;
  }

 private:
  static Decoded read_text(std::string_view text, const Shape& shape, void* slot) {
    if (shape.kind == Kind::kString) {
      static_cast<std::string*>(slot)->assign(text);
      return {};
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    if (first == std::string_view::npos) text = {};
    else text = text.substr(first, last - first + 1);
    if (!parse_scalar(text, shape, slot)) return malformed();
    return {};
  }

  static Decoded read_scalar(xml_node node, const Shape& shape, void* slot) {
    std::string text;
    for (const xml_node child : node.children()) {
      if (child.type() == pugi::node_element) return malformed();
      text += child.value();
    }
    return read_text(text, shape, slot);
  }

  Decoded read_list(xml_node node, const Shape& shape, void* slot) {
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      RETURN_IF_ERROR(read(child, *shape.element, shape.list->push(slot)));
    }
    return {};
  }

  Decoded read_map(xml_node node, const Shape& shape, void* slot) {
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      RETURN_IF_ERROR(read_entry(child, shape, slot));
    }
    return {};
  }

  Decoded read_entry(xml_node entry, const Shape& shape, void* slot) {
    const std::string_view key_name = shape.key_name.empty() ? "key" : shape.key_name;
    const std::string_view value_name = shape.value_name.empty() ? "value" : shape.value_name;
    std::string key;
    xml_node value;
    for (const xml_node child : entry.children()) {
      if (local_name(child.name()) == key_name) key = child.text().get();
      if (local_name(child.name()) == value_name) value = child;
    }
    void* const made = shape.map->insert(slot, std::move(key));
    return value ? read(value, *shape.element, made) : Decoded();
  }

  Decoded read_structure(xml_node node, const Shape& shape, void* slot) {
    for (const pugi::xml_attribute attribute : node.attributes()) {
      const api::Member* const member = find_member(shape, attribute.name(), true);
      if (member == nullptr) continue;
      RETURN_IF_ERROR(read_text(attribute.value(), *member->shape, member->emplace(slot)));
    }
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const api::Member* const member = find_member(shape, child.name(), false);
      if (member == nullptr) continue;
      RETURN_IF_ERROR(read_member(child, *member, shape, slot));
    }
    return {};
  }

  Decoded read_member(xml_node child, const api::Member& member, const Shape& holder, void* slot) {
    const Shape& shape = *member.shape;
    if (!member.flattened || is_scalar(shape.kind)) {
      if (holder.kind == Kind::kUnion && member.find(slot) == nullptr && has_other(holder, slot))
        holder.set_ambiguous(slot);
      return read(child, shape, member.emplace(slot));
    }
    // Each element of a flattened list comes on its own: keep what is there.
    void* held = const_cast<void*>(member.find(slot));
    if (held == nullptr) held = member.emplace(slot);
    if (shape.kind == Kind::kMap) return read_entry(child, shape, held);
    return read(child, *shape.element, shape.list->push(held));
  }

  static bool has_other(const Shape& holder, const void* slot) {
    return std::ranges::any_of(
        holder.members, [&](const api::Member& member) { return member.find(slot) != nullptr; });
  }

  static const api::Member* find_member(const Shape& shape, std::string_view name, bool attribute) {
    for (const api::Member& member : shape.members) {
      if (member.location != api::Location::kBody || member.attribute != attribute) continue;
      if (local_name(member.wire_name) == local_name(name)) return &member;
    }
    return nullptr;
  }

  std::size_t depth_ = 0;
  std::size_t aggregates_ = 0;
};

// pugixml's parser is iterative, but its tree is only as deep as we then walk; a document that is
// deeper than any shape is refused before.
bool too_deep(xml_node root) {
  struct Depth final : pugi::xml_tree_walker {
    bool for_each(xml_node&) override { return depth() < static_cast<int>(kXmlDepthMax); }
  };
  Depth walker;
  return !root.traverse(walker);
}

xml_node root_element(const pugi::xml_document& document) {
  xml_node root;
  for (const xml_node child : document.children()) {
    if (child.type() == pugi::node_doctype) return {};
    if (child.type() != pugi::node_element) continue;
    if (root) return {};  // a document has one root
    root = child;
  }
  return root;
}

}  // namespace

Decoded decode_xml(std::string_view body, const Shape& shape, void* object,
                   std::string_view root_name) {
  if (body.size() > kXmlBytesMax || !base::is_valid_utf8(body)) return malformed();
  pugi::xml_document document;
  // parse_doctype makes the node visible, so that it can be refused; nothing is expanded either
  // way.
  const auto parsed =
      document.load_buffer(body.data(), body.size(),
                           pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata_single,
                           pugi::encoding_utf8);
  if (!parsed) return malformed();
  const xml_node root = root_element(document);
  if (!root || too_deep(root)) return malformed();
  if (!root_name.empty() && local_name(root.name()) != root_name) return malformed();
  return Reader().read(root, shape, object);
}

}  // namespace wire

#pragma once

// XML in and out of the structures that api::Shape describes: the bodies of REST-XML, and the
// insides of Query answers. Pure functions, thread-safe. Document types are refused, so nothing
// is ever expanded. Limits: kXmlDepthMax levels, kXmlBytesMax bytes.

#include <cstddef>
#include <string>
#include <string_view>

#include "api/error.h"
#include "api/shape.h"

namespace wire {

inline constexpr std::size_t kXmlDepthMax = 64;
inline constexpr std::size_t kXmlBytesMax = 32UL << 20;
inline constexpr std::string_view kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
inline constexpr std::string_view kXmlDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

// Fills `*object` from the document's root element. A non-empty `root` is the name that the root
// must have (whatever its namespace). Errors: MalformedXML, HTTP 400.
api::Outcome<void> decode_xml(std::string_view body, const api::Shape& shape, void* object,
                              std::string_view root = {});

// A whole document: declaration, `<root xmlns="name_space">`, the members.
std::string encode_xml(const api::Shape& shape, const void* object, std::string_view root,
                       std::string_view name_space);

// The members of a structure, without an element around them. Lists are flattened or not as the
// model says; timestamps ISO 8601 with milliseconds unless the model says otherwise.
void append_xml_members(std::string& out, const api::Shape& shape, const void* object);

// Text with & < > " and what XML cannot hold escaped.
void append_xml_text(std::string& out, std::string_view text);
// "<name>text</name>"
void append_xml_element(std::string& out, std::string_view name, std::string_view text);

}  // namespace wire

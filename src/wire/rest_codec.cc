#include "wire/rest_codec.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/result.h"
#include "wire/json_codec.h"
#include "wire/query_codec.h"
#include "wire/scalars.h"
#include "wire/xml_codec.h"

namespace wire {
namespace {

using api::Kind;
using api::Location;
using api::Member;
using api::Shape;
using Decoded = api::Outcome<void>;

bool is_xml(const api::Operation& operation) {
  return operation.service->protocol == api::Protocol::kRestXml;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

class Binder {
 public:
  Binder(const HttpRequest& request, const PathLabels& labels, const api::Operation& operation)
      : request_(request), labels_(labels), operation_(operation) {
    split_query();
  }

  Decoded bind(void* input) {
    bool in_body = false;
    const Member* payload = nullptr;
    for (const Member& member : operation_.input->members) {
      if (member.payload) payload = &member;
      else if (member.location == Location::kBody) in_body = true;
      else RETURN_IF_ERROR(bind_member(member, input));
    }
    if (payload != nullptr) return bind_payload(*payload, input);
    if (!in_body || request_.body.empty()) return {};
    if (is_xml(operation_)) return decode_xml(request_.body, *operation_.input, input);
    return decode_json(request_.body, *operation_.input, input, JsonFlavour::kModern);
  }

 private:
  void split_query() {
    std::string_view query = request_.query;
    while (!query.empty() && query_.size() < kQueryParametersMax) {
      const std::size_t end = query.find('&');
      const std::string_view part = query.substr(0, end);
      query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
      const std::size_t equals = part.find('=');
      const bool valued = equals != std::string_view::npos;
      query_.emplace_back(base::uri_decode(part.substr(0, equals), true),
                          valued ? base::uri_decode(part.substr(equals + 1), true) : "");
    }
  }

  Decoded bind_member(const Member& member, void* input) {
    switch (member.location) {
      case Location::kUri: return bind_label(member, input);
      case Location::kQuery: return bind_query(member, input);
      case Location::kHeader: return bind_header(member, input);
      case Location::kHeaders: return bind_prefixed(member, input);
      default: return {};
    }
  }

  Decoded set(const Member& member, const Shape& shape, std::string_view text, void* slot) const {
    if (!base::is_valid_utf8(text) && shape.kind == Kind::kString) return refuse(member, "String");
    if (parse_scalar(text, shape, slot)) return {};
    return refuse(member, shape.kind == Kind::kInteger ? "Integer" : "value");
  }

  std::unexpected<api::Error> refuse(const Member& member, std::string_view wanted) const {
    const std::string name(member.wire_name);
    if (is_xml(operation_))
      return std::unexpected(
          api::Error{.code = "InvalidArgument",
                     .status = 400,
                     .message = "Provided " + name + " not an integer or within integer range",
                     .members = {{"ArgumentName", name}}});
    return std::unexpected(
        serialization_error("STRING_VALUE can not be converted to an " + std::string(wanted)));
  }

  Decoded bind_label(const Member& member, void* input) const {
    auto label = labels_.find(member.wire_name);
    if (label == labels_.end()) label = labels_.find(member.name);
    if (label == labels_.end()) return {};
    return set(member, *member.shape, label->second, member.emplace(input));
  }

  Decoded bind_query(const Member& member, void* input) const {
    void* list = nullptr;
    for (const auto& [name, value] : query_) {
      if (name != member.wire_name) continue;
      if (member.shape->kind != Kind::kList)
        return set(member, *member.shape, value, member.emplace(input));
      if (list == nullptr) list = member.emplace(input);
      const Shape& element = *member.shape->element;
      RETURN_IF_ERROR(set(member, element, value, member.shape->list->push(list)));
    }
    return {};
  }

  Decoded bind_header(const Member& member, void* input) const {
    const std::string* const value = request_.find(member.wire_name);
    if (value == nullptr) return {};
    if (member.shape->kind != Kind::kList)
      return set(member, *member.shape, trim(*value), member.emplace(input));
    void* const list = member.emplace(input);
    std::string_view rest = *value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      const std::string_view item = trim(rest.substr(0, comma));
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      if (item.empty()) continue;
      RETURN_IF_ERROR(set(member, *member.shape->element, item, member.shape->list->push(list)));
    }
    return {};
  }

  // x-amz-meta-...: names in lower case; the values of a repeated name are joined by commas.
  Decoded bind_prefixed(const Member& member, void* input) const {
    std::map<std::string, std::string> found;
    const std::string_view prefix = member.wire_name;
    for (const Header& header : request_.headers) {
      const std::string_view name = header.name;
      if (!equal_ignoring_case(name.substr(0, prefix.size()), prefix)) continue;
      std::string key(name.substr(prefix.size()));
      std::ranges::transform(key, key.begin(), lower);
      std::string& value = found[std::move(key)];
      if (!value.empty()) value += ',';
      value += header.value;
    }
    if (found.empty()) return {};
    void* const map = member.emplace(input);
    for (const auto& [key, value] : found)
      RETURN_IF_ERROR(
          set(member, *member.shape->element, value, member.shape->map->insert(map, key)));
    return {};
  }

  Decoded bind_payload(const Member& member, void* input) const {
    const Shape& shape = *member.shape;
    if (shape.kind == Kind::kBlob || shape.kind == Kind::kString) {
      if (request_.body.empty() && shape.kind == Kind::kString) return {};
      if (shape.kind == Kind::kString && !base::is_valid_utf8(request_.body))
        return std::unexpected(serialization_error({}));
      *static_cast<std::string*>(member.emplace(input)) = request_.body;
      return {};
    }
    if (request_.body.empty() || member.event_stream) return {};
    void* const slot = member.emplace(input);
    if (is_xml(operation_)) return decode_xml(request_.body, shape, slot, member.wire_name);
    return decode_json(request_.body, shape, slot, JsonFlavour::kModern);
  }

  const HttpRequest& request_;
  const PathLabels& labels_;
  const api::Operation& operation_;
  std::vector<std::pair<std::string, std::string>> query_;
};

// The root elements that S3 writes; operations that are not here take their output's name.
struct RootName {
  std::string_view operation;
  std::string_view root;
};
constexpr std::array kS3Roots = {
    RootName{"CompleteMultipartUpload", "CompleteMultipartUploadResult"},
    RootName{"CreateMultipartUpload", "InitiateMultipartUploadResult"},
    RootName{"DeleteObjects", "DeleteResult"},
    RootName{"GetBucketAcl", "AccessControlPolicy"},
    RootName{"GetBucketCors", "CORSConfiguration"},
    RootName{"GetBucketLifecycleConfiguration", "LifecycleConfiguration"},
    RootName{"GetBucketNotificationConfiguration", "NotificationConfiguration"},
    RootName{"GetBucketRequestPayment", "RequestPaymentConfiguration"},
    RootName{"GetBucketTagging", "Tagging"},
    RootName{"GetBucketVersioning", "VersioningConfiguration"},
    RootName{"GetObjectAcl", "AccessControlPolicy"},
    RootName{"GetObjectAttributes", "GetObjectAttributesResponse"},
    RootName{"GetObjectTagging", "Tagging"},
    RootName{"ListBuckets", "ListAllMyBucketsResult"},
    RootName{"ListMultipartUploads", "ListMultipartUploadsResult"},
    RootName{"ListObjectVersions", "ListVersionsResult"},
    RootName{"ListObjects", "ListBucketResult"},
    RootName{"ListObjectsV2", "ListBucketResult"},
    RootName{"ListParts", "ListPartsResult"},
};

std::string_view root_of(const api::Operation& operation) {
  for (const RootName& entry : kS3Roots)
    if (entry.operation == operation.name) return entry.root;
  return operation.output->name;
}

class Answer {
 public:
  Answer(const api::Operation& operation, const void* output)
      : operation_(operation), output_(output) {}

  HttpResponse make() {
    response_.status = operation_.status;
    bool in_body = false;
    const Member* payload = nullptr;
    for (const Member& member : operation_.output->members) {
      if (member.payload) payload = &member;
      else if (member.location == Location::kBody) in_body = true;
      else write_member(member);
    }
    if (payload != nullptr) write_payload(*payload);
    else write_body(in_body);
    // No model states it: an answer that names its range is a partial one.
    if (response_.status == 200 && response_.find("Content-Range") != nullptr)
      response_.status = 206;
    return std::move(response_);
  }

 private:
  void add(std::string name, std::string value) {
    // Nothing that could end the header.
    std::ranges::replace_if(
        value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    response_.headers.push_back({std::move(name), std::move(value)});
  }

  void write_member(const Member& member) {
    const void* const value = member.find(output_);
    if (value == nullptr) return;
    if (member.location == Location::kStatus)
      response_.status = *static_cast<const std::int32_t*>(value);
    if (member.location == Location::kHeaders) write_prefixed(member, value);
    if (member.location != Location::kHeader) return;
    const api::TimeFormat format = time_format(member, api::TimeFormat::kHttpDate);
    std::string text;
    if (is_scalar(member.shape->kind)) text = scalar_text(*member.shape, value, format);
    if (member.shape->kind == Kind::kList) text = join(*member.shape, value, format);
    add(std::string(member.wire_name), std::move(text));
  }

  static std::string join(const Shape& list, const void* value, api::TimeFormat format) {
    std::string text;
    for (std::size_t i = 0; i < list.list->size(value); ++i) {
      if (i > 0) text += ',';
      text += scalar_text(*list.element, list.list->at(value, i), format);
    }
    return text;
  }

  void write_prefixed(const Member& member, const void* map) {
    struct Walk {
      Answer& answer;
      const Member& member;
    };
    Walk walk{*this, member};
    member.shape->map->for_each(map, &walk,
                                [](void* context, const std::string& key, const void* value) {
                                  auto& w = *static_cast<Walk*>(context);
                                  w.answer.add(std::string(w.member.wire_name) + key,
                                               *static_cast<const std::string*>(value));
                                });
  }

  void write_payload(const Member& member) {
    const void* const value = member.find(output_);
    if (value == nullptr || member.event_stream) return;
    const Shape& shape = *member.shape;
    if (shape.kind == Kind::kBlob || shape.kind == Kind::kString) {
      response_.body = *static_cast<const std::string*>(value);
      const bool binary = shape.kind == Kind::kBlob && is_xml(operation_);
      set_type(binary ? "binary/octet-stream" : "application/json");
      return;
    }
    if (is_xml(operation_)) {
      response_.body = encode_xml(shape, value, member.wire_name, kS3Namespace);
      set_type("application/xml");
      return;
    }
    response_.body = encode_json(shape, value);
    set_type("application/json");
  }

  void write_body(bool in_body) {
    if (response_.status == 204 || response_.status == 304) return;
    if (!is_xml(operation_)) {
      response_.body = encode_json(*operation_.output, output_);
      set_type("application/json");
      return;
    }
    if (!in_body) return;
    response_.body =
        operation_.name == "GetBucketLocation"
            ? location_document()
            : encode_xml(*operation_.output, output_, root_of(operation_), kS3Namespace);
    set_type("application/xml");
  }

  // The one answer whose only member is the root element itself.
  std::string location_document() const {
    const void* const value = operation_.output->members[0].find(output_);
    std::string out(kXmlDeclaration);
    out += "<LocationConstraint xmlns=\"";
    out += kS3Namespace;
    out += "\">";
    if (value != nullptr) append_xml_text(out, *static_cast<const std::string*>(value));
    return out + "</LocationConstraint>";
  }

  void set_type(std::string_view type) {
    if (response_.find("Content-Type") == nullptr) add("Content-Type", std::string(type));
  }

  const api::Operation& operation_;
  const void* output_;
  HttpResponse response_;
};

}  // namespace

Decoded decode_rest(const HttpRequest& request, const PathLabels& labels,
                    const api::Operation& operation, void* input) {
  return Binder(request, labels, operation).bind(input);
}

HttpResponse encode_rest(const api::Operation& operation, const void* output) {
  return Answer(operation, output).make();
}

}  // namespace wire

#include "wire/dynamo_front.h"

#include <algorithm>

#include "base/digest.h"
#include "wire/content_coding.h"
#include "wire/json_codec.h"

namespace wire {
namespace {

constexpr std::string_view kPlainJsonType = "application/json";
constexpr std::string_view kJsonType = "application/x-amz-json-1.0";
constexpr std::size_t kRequestIdLength = 52;

// Without parameters and blanks; JSON where nothing is said.
std::string_view media_type(const HttpRequest& request) {
  const std::string* const header = request.find("content-type");
  if (header == nullptr) return {};
  std::string_view type = *header;
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

HttpResponse health(const HttpRequest& request) {
  const std::string* const header = request.find("host");
  std::string host = header == nullptr ? std::string("dynamodb") : *header;
  for (const std::string_view usual : {":80", ":443"})
    if (host.ends_with(usual)) host.resize(host.size() - usual.size());
  HttpResponse response;
  response.headers.push_back({"Content-Type", "text/plain"});
  response.body = "healthy: " + host + " ";
  return response;
}

bool is_empty_map(const api::Shape& shape, const void* input, std::string_view name) {
  const auto member = std::ranges::find(shape.members, name, &api::Member::name);
  const void* const map = member == shape.members.end() ? nullptr : member->find(input);
  return map != nullptr && member->shape->map->size(map) == 0;
}

const void* find_member(const api::Shape& shape, const void* object, std::string_view name) {
  const auto member = std::ranges::find(shape.members, name, &api::Member::name);
  return member == shape.members.end() ? nullptr : member->find(object);
}

api::Error too_much(const std::string& where, std::string_view constraint) {
  return {.code = "ValidationException",
          .status = 400,
          .message = "1 validation error detected: Value at '" + where +
                     "' failed to satisfy constraint: Member must have " + std::string(constraint)};
}

// Where AWS's data plane no longer leaves it to the validator: limits and counts of keys.
std::optional<api::Error> beyond_limits(const api::Shape& shape, const void* input) {
  if (shape.name == "QueryInput") {
    const void* const limit = find_member(shape, input, "Limit");
    if (limit != nullptr && *static_cast<const std::int32_t*>(limit) < 1)
      return too_much("Limit", "value greater than or equal to 1");
  }
  if (shape.name != "BatchGetItemInput") return std::nullopt;
  const auto member = std::ranges::find(shape.members, "RequestItems", &api::Member::name);
  const void* const map = member == shape.members.end() ? nullptr : member->find(input);
  if (map == nullptr) return std::nullopt;
  struct Walk {
    const api::Shape& element;
    std::optional<api::Error> found;
  };
  Walk walk{*member->shape->element, std::nullopt};
  member->shape->map->for_each(
      map, &walk, [](void* context, const std::string& table, const void* value) {
        constexpr std::size_t kKeysMax = 100;
        auto& w = *static_cast<Walk*>(context);
        const auto keys = std::ranges::find(w.element.members, "Keys", &api::Member::name);
        const void* const list = keys->find(value);
        if (!w.found && list != nullptr && keys->shape->list->size(list) > kKeysMax)
          w.found = too_much("RequestItems." + table + ".member.Keys",
                             "length less than or equal to 100");
      });
  return walk.found;
}

HttpResponse not_there() {
  HttpResponse response;
  response.status = 404;
  response.body = "<UnknownOperationException/>\n";
  return response;
}

std::size_t head_size(const HttpRequest& request) {
  std::size_t size = 0;
  for (const Header& header : request.headers) size += header.name.size() + header.value.size();
  return size;
}

HttpResponse bare(std::string_view code, std::string_view type) {
  HttpResponse response;
  response.status = 400;
  response.headers.push_back({"Content-Type", std::string(type.empty() ? kPlainJsonType : type)});
  response.body = R"({"__type":"com.amazon.coral.service#)" + std::string(code) + R"("})";
  return response;
}

}  // namespace

bool has_dynamo_front(const api::Service& service) { return service.signing_name == "dynamodb"; }

std::string dynamo_request_id(base::Random& random) {
  return base::random_text(random, base::kUpperAlphanumeric, kRequestIdLength);
}

std::optional<HttpResponse> refuse_at_dynamo(const FrontCall& call) {
  const HttpRequest& request = call.request;
  // A protocol of its own, with errors of its own.
  if (request.find("smithy-protocol") != nullptr) return std::nullopt;
  if (request.body.size() > kDynamoBodyMax) {
    HttpResponse response;
    response.status = 413;
    return response;
  }
  if (head_size(request) > kDynamoHeadMax ||
      request.path.size() + request.query.size() > kDynamoHeadMax) {
    HttpResponse response;
    response.status = 400;
    return response;
  }
  if (request.method == "GET") return request.path == "/" ? health(request) : not_there();
  if (request.method != "POST") return not_there();
  const std::string_view type = media_type(request);
  if (!request.body.empty() && type != kPlainJsonType && type != kJsonType) return not_there();
  if (call.known) return std::nullopt;
  const bool unreadable = !request.body.empty() && request.body.size() <= kFrontParseMax &&
                          !is_json_structure(request.body);
  return bare(unreadable ? "SerializationException" : "UnknownOperationException", type);
}

std::optional<api::Error> missing_in_dynamo(const api::Shape& shape, const void* input) {
  static constexpr std::string_view kOnTables[] = {"CreateTableInput", "UpdateTableInput",
                                                   "DeleteTableInput", "DescribeTableInput",
                                                   "DescribeTimeToLiveInput"};
  static constexpr std::string_view kOnTags[] = {"TagResourceInput", "UntagResourceInput",
                                                 "ListTagsOfResourceInput"};
  const auto lacks = [&](std::string_view name) {
    return std::ranges::any_of(shape.members, [&](const api::Member& member) {
      return member.name == name && member.find(input) == nullptr;
    });
  };
  const auto refused = [](std::string message) {
    return api::Error{.code = "ValidationException", .status = 400, .message = std::move(message)};
  };
  // Said before the rest is looked at, where AWS has changed since 2019.
  if (auto beyond = beyond_limits(shape, input)) return beyond;
  if (shape.name == "BatchGetItemInput" && is_empty_map(shape, input, "RequestItems"))
    return refused("The requestItems parameter is required for BatchGetItem");
  if (shape.name == "BatchWriteItemInput" && is_empty_map(shape, input, "RequestItems"))
    return refused("The requestItems parameter is required for BatchWriteItem");
  if (std::ranges::find(kOnTables, shape.name) != std::end(kOnTables) && lacks("TableName"))
    return refused("The parameter 'TableName' is required but was not present in the request");
  if (std::ranges::find(kOnTags, shape.name) != std::end(kOnTags) && lacks("ResourceArn"))
    return refused("Invalid TableArn");
  return std::nullopt;
}

void finish_dynamo_answer(const HttpRequest& request, std::string_view request_id,
                          HttpResponse& response) {
  // JSON is called what the request called it.
  if (media_type(request) != kJsonType) {
    for (Header& header : response.headers) {
      if (header.value == kJsonType && equal_ignoring_case(header.name, "content-type"))
        header.value = kPlainJsonType;
    }
  }
  // Only the first such header counts.
  const std::string* const accepted = request.find("accept-encoding");
  if (accepted != nullptr && !response.stream && response.body.size() > kUncompressedMax) {
    const ContentCoding coding = accepted_coding(*accepted);
    auto small =
        coding == ContentCoding::kIdentity ? std::nullopt : deflate_body(coding, response.body);
    if (small) {
      response.body = *std::move(small);
      response.headers.push_back({"Content-Encoding", std::string(name_of(coding))});
    }
  }
  std::erase_if(response.headers, [](const Header& header) {
    return equal_ignoring_case(header.name, "x-amz-crc32");
  });
  if (response.find("x-amzn-requestid") == nullptr)
    response.headers.push_back({"x-amzn-RequestId", std::string(request_id)});
  if (response.find("access-control-max-age") == nullptr && !response.stream)
    response.headers.push_back({"x-amz-crc32", std::to_string(base::crc32(response.body))});
  response.headers.push_back({"Server", "Server"});
}

}  // namespace wire

#include "wire/dispatcher.h"

#include <array>
#include <charconv>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "wire/aws_chunked.h"
#include "wire/caller.h"
#include "wire/cbor_codec.h"
#include "wire/content_coding.h"
#include "wire/coral_front.h"
#include "wire/dynamo_front.h"
#include "wire/json_codec.h"
#include "wire/presigned.h"
#include "wire/query_codec.h"
#include "wire/render_error.h"
#include "wire/rest_codec.h"
#include "wire/streamed_answer.h"

namespace wire {

namespace {

constexpr std::size_t kHeadersExpected = 4;  // of an answer: room for what is added on its way

std::string_view header_view(const HttpRequest& request, std::string_view name) {
  const std::string* const value = request.find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

}  // namespace

struct Dispatcher::Call {
  HttpRequest& request;
  std::vector<auth::HeaderView> headers;  // views into `request`
  Route route;
  std::optional<auth::Authenticated> who;
  Context context;

  bool is_s3() const { return route.service != nullptr && route.service->name == "s3"; }
  auth::SignedRequest signed_request() const {
    return {.method = request.method,
            .path = request.path,
            .query = request.query,
            .headers = headers,
            .body_sha256 = {},
            .body = request.body,
            .secure = request.secure,
            .host_bucket = {}};
  }
};

namespace {

std::string text_header(const HttpRequest& request, std::string_view name) {
  const std::string* const value = request.find(name);
  return value == nullptr ? std::string() : *value;
}

std::vector<auth::HeaderView> header_views(const HttpRequest& request) {
  std::vector<auth::HeaderView> views;
  views.reserve(request.headers.size());
  for (const Header& header : request.headers) views.push_back({header.name, header.value});
  return views;
}

std::string json_of(const api::Operation& operation, const Reply& reply) {
  std::string head = encode_json(*operation.output, reply.get());
  if (reply.member == nullptr) return head;
  std::string body = "{\"";
  body.append(reply.member->name()).append("\":");
  reply.member->append_json(body);
  if (head == "{}") body += '}';
  else body.append(",").append(head, 1);
  return body;
}

// AWS's own answer for a service that is not at this endpoint.
HttpResponse no_such_service(const std::string& request_id) {
  HttpResponse response{.status = 404, .headers = {}, .body = {}, .stream = {}};
  response.headers = {{"x-amzn-RequestId", request_id},
                      {"Content-Type", "application/x-amz-json-1.1"}};
  response.body = R"({"__type":"UnknownOperationException"})";
  return response;
}

bool is_chunked(auth::PayloadMode mode) {
  return mode == auth::PayloadMode::kSignedChunks ||
         mode == auth::PayloadMode::kSignedChunksTrailer ||
         mode == auth::PayloadMode::kUnsignedChunksTrailer;
}

std::optional<std::uint64_t> decoded_length(const HttpRequest& request) {
  const std::string* const text = request.find("x-amz-decoded-content-length");
  if (text == nullptr) return std::nullopt;
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return length;
}

// Every answer has both ids; the second is 72 bytes that mean something to AWS only.
void add_ids(HttpResponse& response, const std::string& request_id, base::Random& random) {
  if (response.find("access-control-max-age") == nullptr) {
    std::array<char, 72> bytes;
    random.fill(std::as_writable_bytes(std::span(bytes)));
    std::erase_if(response.headers, [](const Header& h) { return h.name == "x-amz-id-2"; });
    response.headers.emplace_back("x-amz-id-2", base::base64({bytes.data(), bytes.size()}));
  }
  if (response.find("x-amzn-requestid") == nullptr)
    response.headers.emplace_back("x-amzn-RequestId", request_id);
}

std::string json_type(const api::Service& service) {
  constexpr std::string_view kStart = "application/x-amz-json-";
  std::string type;
  type.reserve(kStart.size() + service.json_version.size());
  return type.append(kStart).append(service.json_version);
}

}  // namespace

Dispatcher::Dispatcher(DispatcherOptions options, const Registry& registry,
                       auth::Authenticator& authenticator, const auth::Authorizer& authorizer,
                       base::Random& random)
    : options_(std::move(options)),
      registry_(registry),
      router_(registry),
      authenticator_(authenticator),
      authorizer_(authorizer),
      random_(random),
      stranger_(std::make_shared<const auth::Principal>(auth::anonymous_principal())) {}

void Dispatcher::add_route(std::string prefix, HttpHandler handler) {
  routes_.emplace(std::move(prefix), std::move(handler));
}

async::Task<HttpResponse> Dispatcher::handle(HttpRequest request) {
  for (const auto& [prefix, handler] : routes_) {
    if (!std::string_view(request.path).starts_with(prefix)) continue;
    HttpResponse response = co_await handler(std::move(request));
    co_return response;
  }
  Call call{.request = request,
            .headers = header_views(request),
            .route = {},
            .who = {},
            .context = {.facts = {.source_ip = request.peer_address,
                                  .user_agent = text_header(request, "user-agent"),
                                  .referer = text_header(request, "referer"),
                                  .secure_transport = request.secure},
                        .http = &request}};
  HttpResponse response = co_await dispatch(call);
  const api::Service* const service = call.route.service;
  if (service == nullptr || service->protocol != api::Protocol::kJson) co_return response;
  allow_origin(call.request, response);
  if (has_coral_front(*service)) add_ids(response, call.context.request_id, random_);
  if (has_dynamo_front(*service))
    finish_dynamo_answer(call.request, call.context.request_id, response);
  co_return response;
}

async::Task<HttpResponse> Dispatcher::dispatch(Call& call) {
  auth::SignedRequest signed_request = call.signed_request();
  auto parsed = auth::parse_signature(signed_request);
  const bool is_signed = parsed || auth::has_signature(signed_request);
  if (!is_signed)
    parsed = std::unexpected(auth::SignatureError{auth::SignatureFailure::kMissingToken});
  const bool is_v2 = parsed && parsed->version == auth::SignatureVersion::kV2;
  if (is_v2) signed_request.host_bucket = bucket_of_host(header_view(call.request, "host"));
  // Version 2 names no service, so it tells nothing about the route.
  auto route = router_.find(call.request, parsed && !is_v2 ? &*parsed : nullptr);
  if (route) call.route = *std::move(route);
  const bool dynamo = call.route.service != nullptr && has_dynamo_front(*call.route.service);
  call.context.request_id = dynamo ? dynamo_request_id(random_) : base::uuid(random_);
  if (!route) co_return refuse(call, route.error());
  if (call.route.service == nullptr) co_return no_such_service(call.context.request_id);
  if (call.route.service->protocol == api::Protocol::kJson)
    if (auto answer = before_signature(call)) co_return *std::move(answer);
  if (is_v2 && !call.is_s3()) parsed = auth::parse_signature_v4(signed_request);
  if (is_v2 && call.is_s3() && call.route.operation != nullptr && !v2_covers(*call.route.operation))
    co_return refuse(call, v2_not_taken());

  const auth::ErrorFamily family = family_of(*call.route.service);
  const bool anonymous = !is_signed && call.is_s3();
  if (!parsed && !anonymous)
    co_return refuse_signature(call, auth::to_api_error(parsed.error(), family));
  if (parsed) {
    auto who =
        authenticator_.authenticate(*std::move(parsed), signed_request,
                                    {.region = {}, .service = call.route.service->signing_name});
    if (!who) co_return refuse_signature(call, auth::to_api_error(who.error(), family));
    call.who = *std::move(who);
  }
  if (call.is_s3() && call.who && call.who->signature.presigned) {
    adopt_presigned_headers(call.request);
    call.headers = header_views(call.request);
  }
  const auto authenticated = authenticate(call);
  if (!authenticated) co_return refuse(call, authenticated.error());
  const auto inflated = inflate(call);
  if (!inflated) co_return refuse(call, inflated.error());
  const Endpoint* const endpoint =
      call.route.operation == nullptr ? nullptr : registry_.find(*call.route.operation);
  if (endpoint == nullptr)
    co_return refuse(call, unknown_operation(*call.route.service, call.route.operation_name));
  const auto body = read_body(call);
  if (!body) co_return refuse(call, body.error());
  const auto input = decode(call, *endpoint);
  if (!input) co_return refuse(call, input.error());
  call.context.event_format = event_format_of(call.route.encoding);
  auto reply = co_await execute(*endpoint, authorizer_, call.context, input->get());
  if (!reply) co_return refuse(call, reply.error());
  HttpResponse response = encode(call, *reply);
  if (reply->body)
    co_return streamed_answer(std::move(response), *call.route.operation, call.route.encoding,
                              *std::move(reply));
  co_return response;
}

std::optional<HttpResponse> Dispatcher::before_signature(const Call& call) const {
  const bool dynamo = has_dynamo_front(*call.route.service);
  if (auto preflight = answer_preflight(call.request)) {
    if (dynamo) expose_headers(*preflight);
    return preflight;
  }
  if (!dynamo && !has_coral_front(*call.route.service)) return std::nullopt;
  const FrontCall front{.request = call.request, .known = call.route.operation != nullptr};
  return dynamo ? refuse_at_dynamo(front) : refuse_at_front(front);
}

HttpResponse Dispatcher::refuse_signature(const Call& call, const api::Error& error) const {
  if (has_coral_front(*call.route.service))
    if (auto unreadable = refuse_unreadable(call.request)) return *std::move(unreadable);
  if (has_dynamo_front(*call.route.service) &&
      error.code == "MissingAuthenticationTokenException") {
    api::Error worded = error;
    worded.message = "Request is missing Authentication Token";
    return refuse(call, worded);
  }
  return refuse(call, error);
}

// Fills the context from the credential, or for a stranger from the server's settings.
api::Outcome<void> Dispatcher::authenticate(Call& call) {
  if (!call.who) {
    call.context.principal = stranger_;
    call.context.account_id = options_.account_id;
    call.context.region = options_.default_region;
  } else {
    // Shares the credential's own principal.
    call.context.principal = {call.who->credential, &call.who->principal()};
    call.context.account_id = call.who->principal().account_id;
    // Version 2 names no region.
    call.context.region =
        call.who->signature.region.empty() ? options_.default_region : call.who->signature.region;
  }
  call.context.facts.region = call.context.region;
  return {};
}

// CloudWatch's bodies may be compressed. One in the Query protocol says only then what it wants.
api::Outcome<void> Dispatcher::inflate(Call& call) {
  if (call.route.service->name != "cloudwatch" || !call.who) return {};
  if (call.request.find("content-encoding") == nullptr) return {};
  RETURN_IF_ERROR(inflate_request(call.request));
  std::erase_if(call.request.headers, [](const Header& header) {
    return equal_ignoring_case(header.name, "content-encoding");
  });
  call.headers = header_views(call.request);
  if (call.route.encoding != Encoding::kQuery) return {};
  auto route = router_.find(call.request, &call.who->signature);
  if (!route) return std::unexpected(std::move(route).error());
  call.route = *std::move(route);
  return {};
}

// S3's ways of sending a body: declared hashes, signed chunks, checksums. DynamoDB's and Kinesis':
// compressed.
api::Outcome<void> Dispatcher::read_body(Call& call) {
  if (has_dynamo_front(*call.route.service) || has_coral_front(*call.route.service))
    return inflate_request(call.request);
  if (!call.is_s3()) return {};
  std::vector<std::pair<std::string, std::string>> trailers;
  if (call.who && is_chunked(call.who->signature.payload)) {
    auth::ChunkVerifier verifier = authenticator_.chunks(*call.who);
    const bool unsigned_chunks =
        call.who->signature.payload == auth::PayloadMode::kUnsignedChunksTrailer;
    auto decoded =
        decode_aws_chunked(call.request.body, {.mode = call.who->signature.payload,
                                               .verifier = unsigned_chunks ? nullptr : &verifier,
                                               .decoded_length = decoded_length(call.request)});
    if (!decoded) return std::unexpected(std::move(decoded).error());
    call.request.body = std::move(decoded->data);
    trailers = std::move(decoded->trailers);
  } else if (call.who && call.who->signature.payload == auth::PayloadMode::kDeclaredHash) {
    const auto matches = auth::check_declared_payload(call.who->signature,
                                                      base::hex(base::sha256(call.request.body)));
    if (!matches)
      return std::unexpected(auth::to_api_error(matches.error(), auth::ErrorFamily::kS3));
  }
  // There the checksum is the whole object's, not this body's.
  if (call.route.operation->name == "CompleteMultipartUpload") return {};
  auto wrong = verify_checksums(call.headers, call.request.body, trailers);
  if (wrong) return std::unexpected(*std::move(wrong));
  return {};
}

api::Outcome<std::shared_ptr<void>> Dispatcher::decode(Call& call, const Endpoint& endpoint) {
  const api::Operation& operation = endpoint.operation();
  std::shared_ptr<void> input = endpoint.make_input();
  const std::string_view body = call.request.body;
  api::Outcome<void> decoded;
  switch (call.route.encoding) {
    case Encoding::kJson:
      decoded = decode_json(body, *operation.input, input.get(), json_flavour(*operation.service),
                            registry_.json_packing());
      break;
    case Encoding::kCbor11:
      decoded = decode_cbor(body, *operation.input, input.get(), CborFlavour::kAwsCbor11);
      break;
    case Encoding::kRpcV2Cbor:
      decoded = decode_cbor(body, *operation.input, input.get(), CborFlavour::kRpcV2);
      break;
    case Encoding::kQuery:
      decoded = decode_query(call.route.form, *operation.input, input.get());
      break;
    case Encoding::kRestJson:
    case Encoding::kRestXml:
      decoded = decode_rest(call.request, call.route.labels, operation, input.get());
      break;
  }
  if (!decoded) return std::unexpected(std::move(decoded).error());
  return input;
}

HttpResponse Dispatcher::encode(const Call& call, Reply& reply) const {
  const api::Operation& operation = *call.route.operation;
  const void* const output = reply.get();
  if (call.route.encoding != Encoding::kJson) reply.complete();
  const std::string& id = call.context.request_id;
  HttpResponse response;
  switch (call.route.encoding) {
    case Encoding::kJson:
      response.body = json_of(operation, reply);
      // AWS answers an operation without output with an empty body.
      if (operation.output->members.empty()) response.body.clear();
      response.headers.reserve(kHeadersExpected);
      response.headers.emplace_back("x-amzn-RequestId", id);
      response.headers.emplace_back("Content-Type", json_type(*operation.service));
      return response;
    case Encoding::kCbor11:
      response.body = encode_cbor(*operation.output, output, CborFlavour::kAwsCbor11);
      if (operation.output->members.empty()) response.body.clear();
      response.headers = {{"x-amzn-RequestId", id}, {"Content-Type", "application/x-amz-cbor-1.1"}};
      return response;
    case Encoding::kRpcV2Cbor:
      response.body = encode_cbor(*operation.output, output, CborFlavour::kRpcV2);
      response.headers = {{"x-amzn-RequestId", id},
                          {"smithy-protocol", "rpc-v2-cbor"},
                          {"Content-Type", "application/cbor"}};
      return response;
    case Encoding::kQuery:
      response.body = encode_query(operation, output, id);
      response.headers = {{"x-amzn-RequestId", id}, {"Content-Type", "text/xml"}};
      return response;
    case Encoding::kRestJson:
      response = encode_rest(operation, output);
      response.headers.push_back({"x-amzn-RequestId", id});
      return response;
    case Encoding::kRestXml:
      response = encode_rest(operation, output);
      response.headers.push_back({"x-amz-request-id", id});
      response.headers.push_back({"x-amz-id-2", id});
      return response;
  }
  return response;
}

HttpResponse Dispatcher::refuse(const Call& call, const api::Error& error) const {
  if (call.route.service == nullptr) return no_such_service(call.context.request_id);
  const std::string type = text_header(call.request, "content-type");
  return render_error(error, *call.route.service,
                      {.request_id = call.context.request_id,
                       .host_id = call.context.request_id,
                       .resource = call.request.path,
                       .request_content_type = type,
                       .head = call.request.method == "HEAD"});
}

}  // namespace wire

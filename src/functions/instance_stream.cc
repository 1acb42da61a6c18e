// Answers that a function writes bit by bit (Lambda-Runtime-Function-Response-Mode: streaming).
#include "base/encoding.h"
#include "functions/instance.h"
#include "functions/instance_text.h"

namespace functions {
namespace {

// How long the end of a process may follow the end of its connections.
constexpr std::chrono::milliseconds kEndFollows{500};

// .../invocation/ID/response
std::string id_in(std::string_view path) {
  path.remove_suffix(std::string_view("/response").size());
  return std::string(path.substr(path.rfind('/') + 1));
}

// What the trailers tell of an answer that the function gave up.
void add_error(const std::vector<wire::Header>& trailers, InvocationResult& result) {
  const auto* const type = wire::find_header(trailers, "lambda-runtime-function-error-type");
  if (type == nullptr) return;
  result.function_error = "Unhandled";
  const auto* const body = wire::find_header(trailers, "lambda-runtime-function-error-body");
  const auto decoded = body == nullptr ? std::nullopt : base::from_base64(*body);
  result.payload = decoded ? *decoded : error_payload(*type, "");
}

}  // namespace

async::Task<wire::HttpResponse> Instance::take_stream(wire::HttpRequest request,
                                                      wire::BodyReader& body) {
  const auto pass = questions_.enter();
  if (!pass) co_return api_failure(503, "Ended", "this environment takes no more events");
  const std::string id = id_in(request.path);
  if (request.method != "POST") co_return api_failure(405, "InvalidMethod", "use POST");
  if (!works_on(id) || answering_)
    co_return api_failure(400, "InvalidRequestID", "no such invocation is under way");
  InvocationResult result;
  if (const std::string* const type = request.find("content-type"); type != nullptr)
    result.content_type = *type;
  answering_ = true;
  auto response = co_await copy_stream(id, body, std::move(result));
  answering_ = false;
  co_return response;
}

async::Task<wire::HttpResponse> Instance::copy_stream(std::string id, wire::BodyReader& body,
                                                      InvocationResult result) {
  const ResponsePipePtr pipe = job_->pipe;
  if (pipe != nullptr)
    pipe->begin({.version = version_.version, .content_type = result.content_type});
  const std::size_t bytes_max = pipe == nullptr ? kPayloadBytesMax : kStreamedBytesMax;
  for (std::size_t total = 0;;) {
    auto piece = co_await body.read();
    if (!works_on(id)) co_return api_failure(410, "InvalidRequestID", "the invocation is over");
    if (!piece) {
      auto response = co_await cut_short(id);
      co_return response;
    }
    if (piece->empty()) break;
    total += piece->size();
    if (total > bytes_max) co_return refuse_size(std::move(result), bytes_max);
    if (pipe == nullptr) {
      result.payload += *piece;
      continue;
    }
    co_await pipe->write(*std::move(piece));
    if (!works_on(id)) co_return api_failure(410, "InvalidRequestID", "the invocation is over");
  }
  add_error(body.trailers(), result);
  const bool failed = !result.function_error.empty();
  finish(std::move(result), failed ? "error" : "", "");
  co_return api_accepted();
}

// The connection ended within the answer: because the process did, or by the runtime's mistake.
async::Task<wire::HttpResponse> Instance::cut_short(std::string id) {
  const base::SteadyTime until = setting_.core.now() + kEndFollows;
  while (works_on(id) && state_ != State::kEnded) {
    const std::uint64_t seen = changed_.version();
    const bool notified = co_await changed_.wait_past(seen, until);
    if (!notified) break;
  }
  if (works_on(id) && state_ != State::kEnded)
    fail("Runtime.TruncatedResponse", "The response ended before its last chunk");
  co_return api_failure(400, "Runtime.TruncatedResponse", "the response is not whole");
}

}  // namespace functions

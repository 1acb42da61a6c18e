#include "wire/streamed_answer.h"

#include <algorithm>

#include "wire/event_stream.h"

namespace wire {
namespace {

bool is_rpc(Encoding encoding) {
  return encoding == Encoding::kJson || encoding == Encoding::kCbor11 ||
         encoding == Encoding::kRpcV2Cbor;
}

void set_header(HttpResponse& response, std::string_view name, std::string_view value) {
  std::erase_if(response.headers,
                [&](const Header& header) { return equal_ignoring_case(header.name, name); });
  response.headers.push_back({std::string(name), std::string(value)});
}

// `body` is the caller's, who keeps it until this has ended.
async::Task<void> with_initial_response(StreamedBody& body, EventFormat format,
                                        BodyWriter& writer) {
  const bool sent = co_await writer.write(encode_initial_response(format));
  if (sent) co_await body(writer);
}

}  // namespace

EventFormat event_format_of(Encoding encoding) {
  if (encoding == Encoding::kCbor11) return EventFormat::kCbor;
  if (encoding == Encoding::kRpcV2Cbor) return EventFormat::kRpcV2Cbor;
  return EventFormat::kJson;
}

HttpResponse streamed_answer(HttpResponse head, const api::Operation& operation, Encoding encoding,
                             Reply reply) {
  HttpResponse response = std::move(head);
  response.body.clear();
  response.patient_until = reply.patient_until;
  const bool events = std::ranges::any_of(operation.output->members, &api::Member::event_stream);
  if (events) set_header(response, "Content-Type", kEventStreamContentType);
  if (!events || !is_rpc(encoding)) {
    response.stream = std::move(reply.body);
    return response;
  }
  response.stream = [body = std::move(reply.body),
                     format = event_format_of(encoding)](BodyWriter& writer) mutable {
    return with_initial_response(body, format, writer);
  };
  return response;
}

}  // namespace wire

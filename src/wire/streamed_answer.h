#pragma once

// What a streamed operation answered, as an HTTP answer. Pure.

#include "wire/registry.h"
#include "wire/route.h"

namespace wire {

EventFormat event_format_of(Encoding encoding);

// `head` is the answer as it would be without the body: the output's other members. For an event
// stream of an RPC protocol the events begin with "initial-response".
HttpResponse streamed_answer(HttpResponse head, const api::Operation& operation, Encoding encoding,
                             Reply reply);

}  // namespace wire

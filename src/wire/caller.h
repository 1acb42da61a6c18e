#pragma once

// Caller: an AWS call from within the server, typed, without HTTP. It goes through the same
// validation, authorisation and handler as a call from outside: a stack is a client, and so is a
// function's log writer. Thread-safe; one per server.
//
//   auto made = co_await caller.call<api::kinesis::op::CreateStream>(context, std::move(input));

#include "wire/registry.h"

namespace wire {

class Caller {
 public:
  Caller(const Registry& registry, const auth::Authorizer& authorizer)
      : registry_(registry), authorizer_(authorizer) {}

  // `context` lives in the call's frame, so a temporary is fine. Streamed operations are refused:
  // there is no connection to send to.
  template <class Op>
  async::Task<api::Outcome<typename Op::Output>> call(Context context,
                                                      typename Op::Input input) const {
    auto output = co_await run(Op::info(), context, &input);
    if (!output) co_return std::unexpected(std::move(output).error());
    co_return *static_cast<const typename Op::Output*>(output->get());
  }

 private:
  async::Task<api::Outcome<Reply>> run(const api::Operation& operation, const Context& context,
                                       void* input) const;

  const Registry& registry_;
  const auth::Authorizer& authorizer_;
};

// Validates the input, asks the permission, authorises, runs: the one door to every handler.
async::Task<api::Outcome<Reply>> execute(const Endpoint& endpoint,
                                         const auth::Authorizer& authorizer, const Context& context,
                                         void* input);

// The error family (wording of refusals) of a service.
auth::ErrorFamily family_of(const api::Service& service);

// What an operation that is not served answers, in the words of the service's protocol.
api::Error unknown_operation(const api::Service& service, std::string_view operation);

}  // namespace wire

#pragma once

// Caller: calls a service's operations by their types, once each; who calls decides about trying
// again. An interface, so that what is built on it is tested without a server.
//
//   auto page = co_await caller.call<api::kinesis::op::GetRecords>(input);

#include <memory>

#include "async/asio_core.h"
#include "client/failure.h"

namespace client {

class Caller {
 public:
  virtual ~Caller() = default;

  template <class Op>
  async::Task<Answer<typename Op::Output>> call(typename Op::Input input) {
    typename Op::Output output;
    auto done = co_await send(Op::info(), &input, &output);
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return output;
  }

 private:
  // `input` and `output` are of the operation's types and outlive the call; `output` is fresh.
  virtual async::Task<Answer<void>> send(const api::Operation& operation, const void* input,
                                         void* output) = 0;
};

// Over the wire, signed, on `http`'s core. `http` and `clock` outlive it.
std::unique_ptr<Caller> make_caller(wire::HttpClient& http, Target target, base::Clock& clock);

}  // namespace client

#pragma once

// Calls that are made again while the refusal is of the passing kind. For one call at a time, on
// the core they are awaited on.

#include <stop_token>

#include "async/timer.h"
#include "client/caller.h"

namespace client {

struct Patience {
  std::chrono::seconds give_up_after{30};
  // Whether nobody at the endpoint is worth waiting for, too.
  bool while_unreachable = false;
};

struct Retries {
  Caller& caller;
  base::Random& random;
  std::stop_token stop;
};

template <class Op>
async::Task<Answer<typename Op::Output>> call_patiently(const Retries& with,
                                                        typename Op::Input input,
                                                        Patience patience = {}) {
  const auto deadline = async::Core::current()->now() + patience.give_up_after;
  for (unsigned attempt = 1;; ++attempt) {
    auto answer = co_await with.caller.call<Op>(input);
    if (answer) co_return answer;
    const Failure& failure = answer.error();
    const bool again = failure.passing && (!failure.unreachable || patience.while_unreachable);
    if (!again || with.stop.stop_requested() || async::Core::current()->now() > deadline)
      co_return answer;
    co_await async::sleep_for(retry_delay(attempt, with.random), with.stop);
  }
}

}  // namespace client

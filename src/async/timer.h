#pragma once

// Waiting for time. Both run on the core they are awaited on and end early, answering false, when
// `stop` is requested.

#include <stop_token>

#include "async/core.h"

namespace async {

Task<bool> sleep_until(base::SteadyTime when, std::stop_token stop = {});
Task<bool> sleep_for(std::chrono::nanoseconds duration, std::stop_token stop = {});

}  // namespace async

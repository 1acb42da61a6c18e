#pragma once

// What an AWS API refused, or why nobody answered; whether to try again, and when. Pure.

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "client/target.h"

namespace client {

struct Failure {
  std::string code;          // AWS's; empty: there was no answer, or none with a code
  int status = 0;            // HTTP's; 0: no answer
  std::string message;       // AWS's words, or what went wrong on the way
  bool passing = false;      // the same request may work later
  bool unreachable = false;  // no connection came about
};

template <class T>
using Answer = std::expected<T, Failure>;

// Reads an answer whose status is not 200.
Failure read_refusal(int status, std::string_view body);
// What became of a request that was not answered.
Failure not_answered(const base::Error& error);

// "HTTP 400 ResourceNotFoundException: Stream s ..."; without an answer, what went wrong.
std::string to_string(const Failure& failure);
// What a person can do about it, a sentence; "" if there is nothing to say.
std::string advice(const Failure& failure, const Target& target);

// How long to wait before attempt `attempt` (1 = the first repetition): doubling from 50 ms to at
// most 5 s, half of it random so that many clients do not come back together.
std::chrono::milliseconds retry_delay(unsigned attempt, base::Random& random);

}  // namespace client

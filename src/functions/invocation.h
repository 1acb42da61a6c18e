#pragma once

// An invocation and how it ended: plain values.

#include <chrono>
#include <string>

#include "functions/function.h"

namespace functions {

inline constexpr std::size_t kPayloadBytesMax = 6'291'556;  // either way, as AWS counts
inline constexpr std::size_t kLogTailBytes = 4096;

struct Invocation {
  FunctionKey key;
  std::string qualifier;       // "", "$LATEST", a version or an alias
  std::string payload;         // JSON; empty stands for {}
  std::string client_context;  // JSON, decoded; empty: none
  std::string request_id;      // empty: one is made
  bool wants_log_tail = false;
};

struct InvocationResult {
  std::string request_id;
  std::string version;  // that ran
  std::string payload;
  std::string content_type;             // as the runtime said; often empty
  std::string function_error;           // "" or "Unhandled"
  std::string log_tail;                 // the last kLogTailBytes, if asked for
  std::chrono::nanoseconds duration{};  // from the event's delivery to the answer
};

}  // namespace functions

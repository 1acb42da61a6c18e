// What can go wrong inside a function, as a value. Used by every part of the SDK; no exception
// leaves an SDK call. Plain data, no thread rules.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sdk {

enum class Fault {
  kConnection,     // no connection, or it broke; nothing is known about the request's effect
  kTimeout,        // the deadline passed
  kProtocol,       // the other side sent something that is not what it should have sent
  kService,        // the service refused; Error::type holds its error name
  kConfiguration,  // the function's surroundings are wrong (environment, configuration table)
  kInput,          // the event is not what the function takes
  kException,      // the function's own code threw
};

struct Error {
  Fault fault;
  std::string type;  // becomes errorType in the invocation's error, e.g. ValidationException
  std::string message;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(Fault fault, std::string type, std::string message) {
  return std::unexpected(Error{fault, std::move(type), std::move(message)});
}

}  // namespace sdk

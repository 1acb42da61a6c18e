#pragma once

// Errors as values. Result<T> carries what failed *here* (a disk, a peer, our own state); what a
// caller did wrong over an AWS API is an api::ApiError instead. A bug of ours is a CHECK.

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace base {

// A code exists only where some code reacts to it differently from kInternal.
enum class ErrorCode {
  kInternal,         // anything nobody can react to
  kInvalidArgument,  // the input can never work
  kNotFound,         // the thing named is not there
  kAlreadyExists,    // the thing to make is there
  kConflict,         // lost a race: read again and decide anew
  kUnavailable,      // try again later
  kTimeout,          // the deadline passed first
  kCancelled,        // we are stopping
  kCorruption,       // stored bytes do not match their checksum
  kIo,               // the operating system refused a read or a write
  kNoSpace,          // the disk is full
  kLimit,            // over a named limit
  kPermission,       // the operating system or a policy forbids it
};

std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  std::string to_string() const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> error(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}
// `errno` in words, with what was being done: "open /x: No such file or directory".
std::unexpected<Error> errno_error(std::string_view doing, int error_number);

}  // namespace base

#define MILLRACE_CONCAT_(a, b) a##b
#define MILLRACE_CONCAT(a, b) MILLRACE_CONCAT_(a, b)

// Hands a failed std::expected on to the caller. `RETURN_` in functions, `CO_RETURN_` in
// coroutines; the expression may itself contain a co_await only when it is a whole statement
// before.
#define RETURN_IF_ERROR(expression)                                                 \
  do {                                                                              \
    auto status_of_call = (expression);                                             \
    if (!status_of_call) return std::unexpected(std::move(status_of_call).error()); \
  } while (false)
#define CO_RETURN_IF_ERROR(expression)                                                 \
  do {                                                                                 \
    auto status_of_call = (expression);                                                \
    if (!status_of_call) co_return std::unexpected(std::move(status_of_call).error()); \
  } while (false)
#define ASSIGN_OR_RETURN(declaration, expression)                                          \
  auto MILLRACE_CONCAT(result_of_line_, __LINE__) = (expression);                          \
  if (!MILLRACE_CONCAT(result_of_line_, __LINE__))                                         \
    return std::unexpected(std::move(MILLRACE_CONCAT(result_of_line_, __LINE__)).error()); \
  declaration = *std::move(MILLRACE_CONCAT(result_of_line_, __LINE__))
#define CO_ASSIGN_OR_RETURN(declaration, expression)                                          \
  auto MILLRACE_CONCAT(result_of_line_, __LINE__) = (expression);                             \
  if (!MILLRACE_CONCAT(result_of_line_, __LINE__))                                            \
    co_return std::unexpected(std::move(MILLRACE_CONCAT(result_of_line_, __LINE__)).error()); \
  declaration = *std::move(MILLRACE_CONCAT(result_of_line_, __LINE__))

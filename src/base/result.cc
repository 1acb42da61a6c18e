#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace base {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal: return "internal";
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kAlreadyExists: return "already exists";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kCorruption: return "corruption";
    case ErrorCode::kIo: return "i/o error";
    case ErrorCode::kNoSpace: return "no space";
    case ErrorCode::kLimit: return "over a limit";
    case ErrorCode::kPermission: return "not permitted";
  }
  return "unknown";
}

std::string Error::to_string() const {
  std::string text(base::to_string(code));
  text += ": ";
  text += message;
  return text;
}

namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT: return ErrorCode::kNotFound;
    case EEXIST: return ErrorCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT: return ErrorCode::kNoSpace;
    case EACCES:
    case EPERM: return ErrorCode::kPermission;
    default: return ErrorCode::kIo;
  }
}

}  // namespace

std::unexpected<Error> errno_error(std::string_view doing, int error_number) {
  std::string message(doing);
  message += ": ";
  message += std::system_category().message(error_number);
  return error(code_of(error_number), std::move(message));
}

}  // namespace base

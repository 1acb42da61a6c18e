#pragma once

// api::Error: what a caller did wrong, as AWS names it. `code` is the name on the wire
// ("ResourceNotFoundException", "NoSuchEntity"); `status` the HTTP status; `message` AWS's words.
// Some errors carry more members (a transaction's CancellationReasons): `detail` points to the
// generated error structure and `detail_shape` describes it to the codecs.

#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace api {

struct Shape;

struct Error {
  std::string code;
  int status = 400;
  std::string message;
  std::shared_ptr<const void> detail = nullptr;
  const Shape* detail_shape = nullptr;
  // Further members that are plain text, in order: S3's <BucketName>, <Key>.
  std::vector<std::pair<std::string, std::string>> members = {};
};

template <class T>
using Outcome = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string code, int status, std::string message) {
  return std::unexpected(
      Error{.code = std::move(code), .status = status, .message = std::move(message)});
}
// The error for what failed on our side: HTTP 500, a text that names nothing internal.
Error internal_failure();

}  // namespace api

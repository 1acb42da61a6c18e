#include "wire/presigned.h"

#include <algorithm>

#include "auth/sigv2.h"
#include "base/encoding.h"

namespace wire {

void adopt_presigned_headers(HttpRequest& request) {
  std::string_view rest = request.query;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    std::string name = base::uri_decode(part.substr(0, equals));
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    if (!name.starts_with("x-amz-") && name != "content-type" && name != "content-md5") continue;
    if (request.find(name) != nullptr) continue;
    request.headers.push_back({std::move(name), base::uri_decode(part.substr(equals + 1))});
  }
}

bool v2_covers(const api::Operation& operation) {
  const std::string_view uri = operation.uri;
  const std::size_t mark = uri.find('?');
  if (mark == std::string_view::npos) return true;
  const std::string_view name = uri.substr(mark + 1, uri.find('=', mark) - mark - 1);
  return name == "list-type" || auth::v2_covers_parameter(name);
}

api::Error v2_not_taken() {
  return {.code = "InvalidRequest",
          .status = 400,
          .message =
              "Signature Version 2 does not cover this operation's sub-resource. Please use "
              "AWS4-HMAC-SHA256."};
}

}  // namespace wire

#include "api/error.h"

namespace api {

Error internal_failure() {
  return {.code = "InternalFailure",
          .status = 500,
          .message =
              "The request processing has failed because of an unknown error, exception or "
              "failure.",
          .detail = nullptr};
}

}  // namespace api

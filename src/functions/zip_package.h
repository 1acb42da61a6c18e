#pragma once

// Zip packages as Lambda takes them: checked, unpacked, and made. Hostile input is expected:
// nothing is ever written outside the folder, and nothing beyond the limits. Blocking functions;
// they keep no state.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace functions {

struct ZipLimits {
  std::uint64_t unpacked_bytes = 262'144'000;  // AWS's quota
  std::size_t entries = 60'000;
  std::size_t path_bytes = 1024;
  std::size_t path_depth = 64;
};

struct ZipSummary {
  std::size_t files = 0;
  std::uint64_t unpacked_bytes = 0;
};

// Reads every byte of every entry, so that whatever is accepted unpacks later. kInvalidArgument: it
// is no zip, is damaged or encrypted, or has a name that is absolute, climbs out, or stands there
// twice, or a symbolic link that leaves the package; kLimit: beyond the limits.
base::Result<ZipSummary> check_zip(std::string_view zip, const ZipLimits& limits);

// Writes the contents into `folder`, which must be new and is made: readable by everybody, with
// their executable bits. On failure the folder may hold part of them.
base::Status unpack_zip(std::string_view zip, const ZipLimits& limits, const std::string& folder);

struct ZipEntry {
  std::string name;
  std::string bytes;
};
base::Result<std::string> make_zip(const std::vector<ZipEntry>& entries);

// The package of a function whose source is text, as CloudFormation's ZipFile has it: index.js or
// index.py, with the module beside it that answers custom resources (cfn-response, cfnresponse).
// kInvalidArgument: the runtime is neither Node.js nor Python.
base::Result<std::string> make_inline_zip(std::string_view runtime, std::string_view source);

}  // namespace functions

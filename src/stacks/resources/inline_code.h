#pragma once

// The package of a function whose code stands in the template (Code.ZipFile). As on AWS the code is
// index.<suffix>, with the module that answers custom resources beside it. Pure.

#include <string>
#include <string_view>

namespace stacks::resources {

// A zip archive (stored, not compressed) with one file more than the code for runtimes that have
// such a module: cfn-response.js, cfnresponse.py.
std::string inline_package(std::string_view runtime, std::string_view code);

}  // namespace stacks::resources

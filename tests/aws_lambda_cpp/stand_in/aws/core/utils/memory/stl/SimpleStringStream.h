#pragma once

// In the place of a header of the AWS SDK for C++, as the one beside it.

#include <sstream>

namespace Aws {

using SimpleStringStream = std::stringstream;

}  // namespace Aws

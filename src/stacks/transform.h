#pragma once

// The transform AWS::Serverless-2016-10-31, for functions fed by streams, and simple tables. Other
// serverless types, events and policy templates are refused by name. Pure.

#include <string>

#include "base/result.h"

namespace stacks {

// The template as it is to be deployed: `text` itself if it declares no such transform, otherwise
// JSON without it. kInvalidArgument in AWS's words.
base::Result<std::string> expand_transforms(const std::string& text);

}  // namespace stacks

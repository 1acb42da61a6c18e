#pragma once

// What CloudFormation does with the transforms a template declares before anything else: of AWS's
// own macros AWS::Serverless-2016-10-31 is served (serverless.h). Pure.

#include <string>

#include "base/result.h"

namespace stacks {

// The template as it is to be deployed: `text` itself if it declares no such transform, otherwise
// JSON without it. kInvalidArgument in AWS's words.
base::Result<std::string> expand_transforms(const std::string& text);

}  // namespace stacks

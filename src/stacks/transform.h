#pragma once

// What CloudFormation does with the transforms a template declares before anything else: of AWS's
// own macros AWS::Serverless-2016-10-31 is served (serverless.h). Pure.

#include <map>
#include <string>

#include "base/result.h"

namespace stacks {

// The template as it is to be deployed: `text` itself if it declares no such transform, otherwise
// JSON without it. `given` are values of parameters by name, over the defaults that the template
// declares: SAM's names and ids may depend on them. kInvalidArgument in AWS's words.
base::Result<std::string> expand_transforms(const std::string& text,
                                            const std::map<std::string, std::string>& given = {});

}  // namespace stacks

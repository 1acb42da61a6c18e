#pragma once

// Fn::Cidr: cuts an IPv4 block into smaller ones. Pure.

#include <string>
#include <vector>

#include "base/result.h"

namespace stacks {

// `bits` are the host bits of each block: "8" makes /24. kInvalidArgument in AWS's words.
base::Result<std::vector<std::string>> cidr_blocks(const std::string& block,
                                                   const std::string& count,
                                                   const std::string& bits);

}  // namespace stacks

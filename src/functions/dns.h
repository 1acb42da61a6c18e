#pragma once

// The name server inside a function's network: AWS's names and localhost are 127.0.0.1, nothing
// else exists. A pure function.

#include <string>
#include <string_view>

namespace functions {

// One UDP query in, its answer out. Empty: not a query that is worth an answer.
std::string answer_dns(std::string_view query);

// amazonaws.com, amazonaws.com.cn, api.aws, localhost, and what ends in one of them.
bool is_served_name(std::string_view name);

}  // namespace functions

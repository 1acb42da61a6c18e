#pragma once

// The orders in which AWS's messages list things: those of Java's hash tables. Pure functions.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/shape.h"

namespace wire {

// The values of an enumeration: by hash code modulo 32, of a tie the last declared
// first. It gives every order that was recorded, from [B, N, S] to Lambda's 56 runtimes.
std::vector<std::string_view> enum_order(std::span<const std::string_view> values);

// The members of a structure, by names with a small first letter. Kinesis and DynamoDB show the
// hash table of Java 7, the younger services that of Java 8.
std::vector<const api::Member*> member_order(std::span<const api::Member> members, bool java7);

// "StreamName" -> "streamName"
std::string lower_first(std::string_view name);

}  // namespace wire

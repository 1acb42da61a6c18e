#pragma once

// Evaluating one condition of a statement. Private to auth; pure functions.

#include <optional>
#include <string_view>

#include "auth/context.h"
#include "auth/policy.h"
#include "base/clock.h"

namespace auth::condition {

// Reads "ForAnyValue:StringNotLikeIfExists" into op, set, negated and if_exists; nullopt: unknown.
std::optional<Condition> parse_operator(std::string_view name);

bool holds(const Condition& condition, const Context& context);

// The values' own forms, as documents are checked for them too.
std::optional<double> parse_number(std::string_view text);
// ISO 8601, a bare day, or seconds since 1970.
std::optional<base::Timestamp> parse_date(std::string_view text);
bool is_address_range(std::string_view text);

}  // namespace auth::condition

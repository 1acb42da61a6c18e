#pragma once

// Patterns of policy documents: preparing, expanding and matching them. Private to auth; pure
// functions. In a prepared text '*' and '?' are wildcards and kLiteral makes the character after
// it stand for itself.

#include <optional>
#include <string>
#include <string_view>

#include "auth/context.h"
#include "auth/policy.h"

namespace auth::pattern {

inline constexpr char kLiteral = '\x01';

// `variables`: the document is of a version that knows "${...}".
Pattern prepare(std::string_view text, bool variables);
// The pattern with its variables replaced; nullopt when one has no value, so nothing can match.
std::optional<Pattern> expand(const Pattern& pattern, const Context& context);
// What the pattern means where wildcards have no meaning.
std::string literal(const Pattern& pattern);

// Time at most |pattern| x |text|.
bool glob(std::string_view pattern, std::string_view text);
std::string lower(std::string_view text);

}  // namespace auth::pattern

#pragma once

// The words that AWS reserves: an expression names such an attribute only through a placeholder.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html

#include <string_view>

namespace tables::expression {
bool is_reserved(std::string_view name);  // in any case
}

#pragma once

// Tables of DynamoDB as text for a person: what there is, what one is like. Pure.

#include <string>
#include <vector>

#include "api/dynamodb/types.h"
#include "client/text_table.h"

namespace client {

std::string tables_table(const std::vector<api::dynamodb::TableDescription>& tables,
                         const DrawStyle& style);
// Its line or two, its keys, its indexes as a table. What the server did not say is left out.
std::string table_text(const api::dynamodb::TableDescription& table, const DrawStyle& style);

}  // namespace client

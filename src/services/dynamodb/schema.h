#pragma once

// CreateTable's and UpdateTable's parameters, checked with AWS's texts in AWS's order, as a
// definition. Internal.

#include "services/dynamodb/common.h"

namespace services::dynamodb {

api::Outcome<tables::Definition> read_definition(const tables::TableName& name,
                                                 const d::CreateTableInput& input,
                                                 base::Timestamp now);

// Applies an UpdateTable to a definition; nothing changes if it answers an error.
std::optional<api::Error> apply_update(tables::Definition& definition,
                                       const d::UpdateTableInput& input, base::Timestamp now);
// What can be said without the table.
std::optional<api::Error> check_update(const d::UpdateTableInput& input);

// StreamSpecification of a table that is made, and of one that is there.
std::optional<api::Error> read_stream(tables::Definition& made,
                                      const std::optional<d::StreamSpecification>& given);
std::optional<api::Error> change_stream(tables::Definition& edited,
                                        const std::optional<d::StreamSpecification>& given);
// What a description says of the latest stream.
void describe_stream(d::TableDescription& made, const tables::Definition& definition);

std::optional<api::Error> check_tags(const std::vector<d::Tag>& tags);

}  // namespace services::dynamodb

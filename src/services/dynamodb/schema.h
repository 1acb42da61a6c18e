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
// Bounds of a table's throughput, and that it fits the mode.
std::optional<api::Error> check_units(const std::optional<d::ProvisionedThroughput>& throughput,
                                      bool on_demand);
// Said here, not by the validator: so AWS does it.
std::optional<api::Error> check_table_class(const std::optional<std::string>& wanted);
// A global index that UpdateTable adds; its keys are defined.
std::optional<api::Error> read_new_index(tables::Definition& table,
                                         const d::CreateGlobalSecondaryIndexAction& given);
// What can be said without the table.
std::optional<api::Error> check_update(const d::UpdateTableInput& input);

// StreamSpecification of a table that is made, and of one that is there.
std::optional<api::Error> read_stream(tables::Definition& made,
                                      const std::optional<d::StreamSpecification>& given);
std::optional<api::Error> change_stream(tables::Definition& edited,
                                        const std::optional<d::StreamSpecification>& given);
// What a description says of the latest stream.
void describe_stream(d::TableDescription& made, const tables::Definition& definition);

// Maxima, warm throughput, encryption and the resource policy of a table that is made; the first
// two of an index that is made.
std::optional<api::Error> read_settings(tables::Definition& made, const d::CreateTableInput& input);
std::optional<api::Error> read_index_settings(
    const tables::Definition& table, tables::Index& index,
    const std::optional<d::OnDemandThroughput>& on_demand_throughput,
    const std::optional<d::WarmThroughput>& warm_throughput);
// What UpdateTable takes one at a time only.
std::optional<api::Error> check_alone(const d::UpdateTableInput& input);
std::optional<api::Error> change_settings(tables::Definition& edited,
                                          const d::UpdateTableInput& input);
std::optional<api::Error> change_index_settings(const tables::Definition& table,
                                                tables::Index& index,
                                                const d::UpdateGlobalSecondaryIndexAction& wanted);
std::optional<d::OnDemandThroughput> describe_maxima(const tables::Maxima& maxima);
std::optional<d::SSEDescription> describe_encryption(const tables::Definition& definition);
tables::Warm shown_warm(bool on_demand, const tables::Throughput& provisioned,
                        const tables::Warm& asked);

// A policy that is to be kept, without a revision yet.
enum class PolicyOf { kTable, kStream };
api::Outcome<tables::ResourcePolicy> read_policy(const std::string& text, PolicyOf of);

std::optional<api::Error> check_tags(const std::vector<d::Tag>& tags);

}  // namespace services::dynamodb

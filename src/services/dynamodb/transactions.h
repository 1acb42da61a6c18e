#pragma once

// What the transactions of both kinds, of requests and of PartiQL's statements, share. Internal.

#include "services/dynamodb/common.h"

namespace services::dynamodb {

// Transactions cost twice what single operations do.
inline constexpr double kTransactionFactor = 2;

using UnitsByTable = std::map<tables::TableName, Units>;

std::optional<api::Error> check_request_token(const std::optional<std::string>& token);
std::optional<api::Error> check_transaction_size(std::size_t bytes);
// What a write of a transaction costs.
void add_transaction_units(Units& sum, const tables::Written& written);
// By table; nullopt unless it was asked for.
std::optional<std::vector<d::ConsumedCapacity>> transaction_capacity(
    const Deps& deps, const std::optional<std::string>& wanted, const UnitsByTable& units,
    bool writes);

}  // namespace services::dynamodb

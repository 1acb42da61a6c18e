#pragma once

// The request parameters that came before expressions, made into the same things: Expected,
// QueryFilter, ScanFilter and KeyConditions, AttributeUpdates, AttributesToGet. Errors are AWS's
// whole texts. Values are normalised on the way.

#include <map>
#include <optional>
#include <string>

#include "api/dynamodb/types.h"
#include "tables/expression/ast.h"
#include "tables/expression/key_condition.h"
#include "tables/expression/syntax.h"

namespace tables::expression {

using Expected = std::map<std::string, api::dynamodb::ExpectedAttributeValue>;
using Conditions = std::map<std::string, api::dynamodb::Condition>;
using AttributeUpdates = std::map<std::string, api::dynamodb::AttributeValueUpdate>;

// `either`: ConditionalOperator is OR.
Parsed<Condition> from_expected(Expected expected, bool either);
Parsed<Condition> from_filter(Conditions filter, bool either);
Parsed<KeyTests> from_key_conditions(Conditions conditions);
Parsed<Update> from_attribute_updates(AttributeUpdates updates);
Parsed<Projection> from_attributes_to_get(const std::vector<std::string>& names);

}  // namespace tables::expression

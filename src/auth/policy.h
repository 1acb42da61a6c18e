#pragma once

// Policy documents: IAM's policy language, parsed once and then read by any core (a PolicyDocument
// is immutable behind shared_ptr). Parsing refuses what AWS refuses, in AWS's words. How many
// characters a document may have is its owner's rule (IAM, S3); the bounds here only keep hostile
// input from costing more than its size.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/error.h"

namespace auth {

inline constexpr std::size_t kPolicyBytesMax = 256UL * 1024;
inline constexpr std::size_t kPolicyDepthMax = 16;
inline constexpr std::size_t kPolicyStatementsMax = 4'096;

// What a document is for decides what its statements must and must not hold.
enum class PolicyKind {
  kIdentity,  // inline policy of a user, group or role: no Principal
  kManaged,   // a managed policy: as kIdentity, and Version has to be 2012-10-17
  kBoundary,  // as kManaged
  kSession,   // passed to AssumeRole: as kIdentity
  kResource,  // bucket and other resource policies: Principal needed. Code MalformedPolicy
  kTrust,     // AssumeRolePolicyDocument: Principal needed, no Resource
};

// A piece of text with wildcards and perhaps policy variables, prepared for matching.
struct Pattern {
  std::string text;  // '*' and '?' are wildcards; '\x01' makes the next character literal
  bool has_wildcards = false;
  bool has_variables = false;  // "${...}" still stands in `text`
};

enum class PrincipalType { kAnyone, kAws, kService, kFederated, kCanonicalUser };
struct PrincipalPattern {
  PrincipalType type = PrincipalType::kAnyone;
  // kAws: an ARN, or a bare account id written as its root ARN, or a unique id (AIDA..., AROA...).
  // kAnyone: empty.
  std::string value;
};

enum class ConditionOperator {
  kStringEquals,
  kStringEqualsIgnoreCase,
  kStringLike,
  kNumericEquals,
  kNumericLessThan,
  kNumericLessThanEquals,
  kNumericGreaterThan,
  kNumericGreaterThanEquals,
  kDateEquals,
  kDateLessThan,
  kDateLessThanEquals,
  kDateGreaterThan,
  kDateGreaterThanEquals,
  kBool,
  kBinaryEquals,
  kIpAddress,
  kArnLike,  // ArnEquals behaves the same
  kNull,
};
enum class ConditionSet { kNone, kForAllValues, kForAnyValue };

struct Condition {
  ConditionOperator op = ConditionOperator::kStringEquals;
  ConditionSet set = ConditionSet::kNone;
  bool negated = false;    // ...Not...
  bool if_exists = false;  // ...IfExists
  std::string key;         // lower case
  std::vector<Pattern> values;
};

struct Statement {
  std::string sid;
  bool allow = false;
  bool not_action = false;
  std::vector<Pattern> actions;  // lower case
  bool has_resource = false;
  bool not_resource = false;
  std::vector<Pattern> resources;
  bool has_principal = false;
  bool not_principal = false;
  std::vector<PrincipalPattern> principals;
  std::vector<Condition> conditions;
};

struct PolicyDocument {
  std::string version;  // "2008-10-17" where the document names none
  std::string id;
  std::vector<Statement> statements;
  // Some statement has a condition or a variable, so evaluating it needs a Context.
  bool needs_context = false;
};

api::Outcome<PolicyDocument> parse_policy(std::string_view json, PolicyKind kind);
api::Outcome<std::shared_ptr<const PolicyDocument>> parse_shared_policy(std::string_view json,
                                                                        PolicyKind kind);

// Matches `text` against `pattern`, which has no variables left.
bool matches(const Pattern& pattern, std::string_view text);
// A pattern made from plain text, as the documents' own are ('*' and '?' are wildcards).
Pattern make_pattern(std::string_view text);

}  // namespace auth

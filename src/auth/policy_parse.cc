#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>
#include <set>
#include <utility>

#include "auth/condition.h"
#include "auth/pattern.h"
#include "auth/policy.h"
#include "auth/policy_forms.h"
#include "base/result.h"

namespace auth {
namespace {

namespace json = boost::json;
using Checked = api::Outcome<void>;

constexpr std::string_view kSyntax = "Syntax errors in policy.";
constexpr std::string_view kLegacy = "The policy failed legacy parsing";
constexpr std::string_view kNewVersion = "2012-10-17";
constexpr std::string_view kOldVersion = "2008-10-17";

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// Reads one document. The checks run in AWS's order, which decides what a document with several
// faults is told: syntax, version, older parser, Sids, actions, resources.
class Parser {
 public:
  explicit Parser(PolicyKind kind) : kind_(kind) {}

  api::Outcome<PolicyDocument> parse(std::string_view text);

 private:
  bool is_resource_policy() const { return kind_ == PolicyKind::kResource; }
  bool wants_principal() const { return is_resource_policy() || kind_ == PolicyKind::kTrust; }

  // Resource policies are worded by S3, the rest by IAM.
  std::unexpected<api::Error> fault(std::string_view iam, std::string_view s3 = {}) const {
    if (!is_resource_policy()) return api::fail("MalformedPolicyDocument", 400, std::string(iam));
    return api::fail("MalformedPolicy", 400, std::string(s3.empty() ? iam : s3));
  }

  api::Outcome<json::value> read_json(std::string_view text) const;
  Checked read_top(const json::object& top);
  Checked read_statement(const json::value& value);
  Checked read_effect(const json::object& object, Statement& statement);
  Checked read_principals(const json::object& object, Statement& statement);
  Checked read_principal_map(const json::value& value, Statement& statement) const;
  Checked read_conditions(const json::value& value, Statement& statement);
  Checked read_condition(std::string_view op, std::string_view key, const json::value& value,
                         Statement& statement);
  api::Outcome<std::vector<std::string>> read_list(const json::value& value) const;

  // The fault-free syntax of all statements, kept for the later checks.
  struct Raw {
    std::vector<std::string> actions;
    std::vector<std::string> resources;
    bool legacy_fault = false;
  };
  Checked check_statements() const;
  Checked check_resources() const;
  Checked check_sids() const;

  PolicyKind kind_;
  PolicyDocument document_;
  std::vector<Raw> raw_;  // beside document_.statements
  bool variables_ = false;
};

api::Outcome<json::value> Parser::read_json(std::string_view text) const {
  const auto bad = [&] {
    return fault(kind_ == PolicyKind::kTrust ? "This policy contains invalid Json" : kSyntax,
                 "Policies must be valid JSON and the first byte must be '{'");
  };
  if (text.size() > kPolicyBytesMax) return bad();
  json::parse_options options;
  options.max_depth = kPolicyDepthMax;
  json::error_code problem;
  json::value value;
  try {
    value = json::parse({text.data(), text.size()}, problem, {}, options);
  } catch (const std::exception&) {
    return bad();
  }
  if (problem) return bad();
  if (!value.is_object()) return bad();
  if (is_resource_policy() && !text.starts_with('{')) return bad();
  return value;
}

api::Outcome<PolicyDocument> Parser::parse(std::string_view text) {
  auto value = read_json(text);
  if (!value) return std::unexpected(std::move(value).error());
  RETURN_IF_ERROR(read_top(value->get_object()));

  const bool managed = kind_ == PolicyKind::kManaged || kind_ == PolicyKind::kBoundary;
  if (managed && document_.version != kNewVersion)
    return fault("Policy document must be version 2012-10-17 or greater.");
  if (std::ranges::any_of(raw_, &Raw::legacy_fault)) return fault(kLegacy);
  RETURN_IF_ERROR(check_sids());
  RETURN_IF_ERROR(check_statements());

  document_.needs_context =
      std::ranges::any_of(document_.statements, [](const Statement& statement) {
        return !statement.conditions.empty() ||
               std::ranges::any_of(statement.resources, &Pattern::has_variables);
      });
  return std::move(document_);
}

Checked Parser::read_top(const json::object& top) {
  document_.version = kOldVersion;
  for (const auto& member : top) {
    const std::string_view name(member.key().data(), member.key().size());
    if (name == "Statement") continue;
    if (name != "Version" && name != "Id")
      return fault(kSyntax, fmt::format("Unknown field {}", name.substr(0, 100)));
    if (!member.value().is_string()) return fault(kSyntax, "Invalid policy syntax.");
    (name == "Id" ? document_.id : document_.version) = view(member.value().get_string());
  }
  if (document_.version != kNewVersion && document_.version != kOldVersion)
    return fault(kSyntax, "The policy must contain a valid version string");
  variables_ = document_.version == kNewVersion;

  const json::value* statements = top.if_contains("Statement");
  if (statements == nullptr) return fault(kSyntax, "Missing required field Statement");
  if (statements->is_object()) return read_statement(*statements);
  if (!statements->is_array() || statements->get_array().empty() ||
      statements->get_array().size() > kPolicyStatementsMax)
    return fault(kSyntax, "Could not parse the policy: Statement is empty!");
  for (const json::value& statement : statements->get_array())
    RETURN_IF_ERROR(read_statement(statement));
  return {};
}

Checked Parser::read_effect(const json::object& object, Statement& statement) {
  const json::value* effect = object.if_contains("Effect");
  if (effect == nullptr) return fault(kSyntax, "Missing required field Effect");
  if (!effect->is_string()) return fault(kSyntax, "Invalid policy syntax.");
  const std::string_view text = view(effect->get_string());
  statement.allow = text == "Allow";
  if (text == "Allow" || text == "Deny") return {};
  const std::string any_case = pattern::lower(text);
  if (is_resource_policy() || (any_case != "allow" && any_case != "deny"))
    return fault(kSyntax, fmt::format("Invalid effect: {}", text.substr(0, 100)));
  raw_.back().legacy_fault = true;
  return {};
}

api::Outcome<std::vector<std::string>> Parser::read_list(const json::value& value) const {
  std::vector<std::string> items;
  if (value.is_string()) {
    items.emplace_back(view(value.get_string()));
    return items;
  }
  if (!value.is_array()) return fault(kSyntax, "Invalid policy syntax.");
  for (const json::value& item : value.get_array()) {
    if (!item.is_string()) return fault(kSyntax, "Invalid policy syntax.");
    items.emplace_back(view(item.get_string()));
  }
  return items;
}

Checked Parser::read_statement(const json::value& value) {
  if (!value.is_object()) return fault(kSyntax, "Invalid policy syntax.");
  const json::object& object = value.get_object();
  raw_.emplace_back();
  Statement statement;
  for (const auto& member : object) {
    const std::string_view name(member.key().data(), member.key().size());
    if (name == "Effect" || name == "Principal" || name == "NotPrincipal") continue;
    if (name == "Sid") {
      if (!member.value().is_string()) return fault(kSyntax, "Invalid policy syntax.");
      statement.sid = view(member.value().get_string());
    } else if (name == "Action" || name == "NotAction") {
      if (object.contains("Action") && object.contains("NotAction"))
        return fault(kSyntax, "Invalid policy syntax.");
      ASSIGN_OR_RETURN(raw_.back().actions, read_list(member.value()));
      statement.not_action = name == "NotAction";
    } else if (name == "Resource" || name == "NotResource") {
      if (object.contains("Resource") && object.contains("NotResource"))
        return fault(kSyntax, "Invalid policy syntax.");
      ASSIGN_OR_RETURN(raw_.back().resources, read_list(member.value()));
      statement.has_resource = true;
      statement.not_resource = name == "NotResource";
    } else if (name == "Condition") {
      RETURN_IF_ERROR(read_conditions(member.value(), statement));
    } else {
      return fault(kSyntax, fmt::format("Unknown field {}", name.substr(0, 100)));
    }
  }
  RETURN_IF_ERROR(read_effect(object, statement));
  RETURN_IF_ERROR(read_principals(object, statement));
  for (const std::string& action : raw_.back().actions)
    statement.actions.push_back(pattern::prepare(pattern::lower(action), false));
  for (const std::string& resource : raw_.back().resources)
    statement.resources.push_back(pattern::prepare(resource, variables_));
  document_.statements.push_back(std::move(statement));
  return {};
}

Checked Parser::read_principals(const json::object& object, Statement& statement) {
  const json::value* principal = object.if_contains("Principal");
  const json::value* not_principal = object.if_contains("NotPrincipal");
  if (!wants_principal()) {
    if (principal == nullptr && not_principal == nullptr) return {};
    return fault("Policy document should not specify a principal.");
  }
  if (principal == nullptr && not_principal == nullptr)
    return fault("Missing required field Principal");
  if (principal != nullptr && not_principal != nullptr)
    return fault(kSyntax, "Invalid policy syntax.");
  statement.has_principal = true;
  statement.not_principal = not_principal != nullptr;
  const json::value& value = statement.not_principal ? *not_principal : *principal;
  if (!value.is_string()) return read_principal_map(value, statement);
  if (view(value.get_string()) != "*")
    return fault(fmt::format("Invalid principal in policy: {}", json::serialize(value)),
                 "Invalid principal in policy");
  statement.principals.push_back({PrincipalType::kAnyone, {}});
  return {};
}

Checked Parser::read_principal_map(const json::value& value, Statement& statement) const {
  if (!value.is_object() || value.get_object().empty())
    return fault(kSyntax, "Invalid policy syntax.");
  for (const auto& member : value.get_object()) {
    const std::string_view type(member.key().data(), member.key().size());
    ASSIGN_OR_RETURN(const std::vector<std::string> values, read_list(member.value()));
    for (const std::string& text : values) {
      auto parsed = forms::parse_principal(type, text);
      if (!parsed)
        return fault(
            fmt::format("Invalid principal in policy: \"{}\":\"{}\"", type, text.substr(0, 200)),
            "Invalid principal in policy");
      statement.principals.push_back(*std::move(parsed));
    }
  }
  if (statement.principals.empty())
    return fault("Missing required field Principal cannot be empty!");
  return {};
}

Checked Parser::read_conditions(const json::value& value, Statement& statement) {
  if (!value.is_object()) return fault(kSyntax, "Invalid policy syntax.");
  for (const auto& member : value.get_object()) {
    const std::string_view op(member.key().data(), member.key().size());
    if (!member.value().is_object()) return fault(kSyntax, "Invalid policy syntax.");
    for (const auto& test : member.value().get_object()) {
      const std::string_view key(test.key().data(), test.key().size());
      RETURN_IF_ERROR(read_condition(op, key, test.value(), statement));
    }
  }
  return {};
}

std::optional<std::string> scalar_text(const json::value& value) {
  if (value.is_string()) return std::string(view(value.get_string()));
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return fmt::format("{}", value.get_int64());
  if (value.is_uint64()) return fmt::format("{}", value.get_uint64());
  if (value.is_double()) return fmt::format("{}", value.get_double());
  return std::nullopt;
}

// The older parser reads dates, numbers and addresses when the document is stored.
bool value_is_readable(ConditionOperator op, std::string_view text) {
  using enum ConditionOperator;
  if (text.find("${") != std::string_view::npos) return true;
  switch (op) {
    case kNumericEquals:
    case kNumericLessThan:
    case kNumericLessThanEquals:
    case kNumericGreaterThan:
    case kNumericGreaterThanEquals: return condition::parse_number(text).has_value();
    case kDateEquals:
    case kDateLessThan:
    case kDateLessThanEquals:
    case kDateGreaterThan:
    case kDateGreaterThanEquals: return condition::parse_date(text).has_value();
    case kIpAddress: return condition::is_address_range(text);
    case kBool:
    case kNull: {
      const std::string lower = pattern::lower(text);
      return lower == "true" || lower == "false";
    }
    default: return true;
  }
}

Checked Parser::read_condition(std::string_view op, std::string_view key, const json::value& value,
                               Statement& statement) {
  auto condition = condition::parse_operator(op);
  if (!condition)
    return fault(kSyntax, fmt::format("Invalid Condition type : {}", op.substr(0, 100)));
  if (key.empty()) return fault(kSyntax, "Policy has an invalid condition key");
  condition->key = pattern::lower(key);
  const auto take = [&](const json::value& item) {
    const auto text = scalar_text(item);
    if (!text) return false;
    if (!value_is_readable(condition->op, *text)) raw_.back().legacy_fault = true;
    condition->values.push_back(pattern::prepare(*text, variables_));
    return true;
  };
  if (value.is_array()) {
    for (const json::value& item : value.get_array())
      if (!take(item)) return fault(kSyntax, "Invalid policy syntax.");
  } else if (!take(value)) {
    return fault(kSyntax, "Invalid policy syntax.");
  }
  statement.conditions.push_back(*std::move(condition));
  return {};
}

Checked Parser::check_sids() const {
  std::set<std::string_view> seen;
  for (const Statement& statement : document_.statements)
    if (!statement.sid.empty() && !seen.insert(statement.sid).second)
      return fault("Statement IDs (SID) in a single policy must be unique.");
  return {};
}

Checked Parser::check_resources() const {
  const std::string* message = nullptr;
  std::optional<forms::ResourceFault> first;
  for (const Raw& raw : raw_) {
    for (const std::string& resource : raw.resources) {
      auto found = forms::resource_fault(resource);
      if (!found) continue;
      if (found->legacy) return fault(kLegacy, "Policy has invalid resource");
      if (!first) first = std::move(found);
    }
  }
  if (first) message = &first->message;
  if (message == nullptr) return {};
  return fault(*message, "Policy has invalid resource");
}

Checked Parser::check_statements() const {
  const bool trust = kind_ == PolicyKind::kTrust;
  for (std::size_t i = 0; i < raw_.size(); ++i)
    if (trust && document_.statements[i].has_resource)
      return fault("Has prohibited field Resource");
  RETURN_IF_ERROR(check_resources());
  for (const Raw& raw : raw_)
    if (raw.actions.empty())
      return fault(
          trust ? "Missing required field Action" : "Policy statement must contain actions.",
          "Missing required field Action");
  for (const Raw& raw : raw_) {
    for (const std::string& action : raw.actions) {
      if (const auto wrong = forms::action_fault(action))
        return fault(*wrong, "Policy has invalid action");
      if (trust && !forms::is_trust_action(action))
        return fault("AssumeRole policy may only specify STS AssumeRole actions.");
    }
  }
  if (trust) return {};
  for (const Raw& raw : raw_)
    if (raw.resources.empty())
      return fault("Policy statement must contain resources.", "Missing required field Resource");
  return {};
}

}  // namespace

api::Outcome<PolicyDocument> parse_policy(std::string_view json, PolicyKind kind) {
  return Parser(kind).parse(json);
}

api::Outcome<std::shared_ptr<const PolicyDocument>> parse_shared_policy(std::string_view json,
                                                                        PolicyKind kind) {
  auto document = parse_policy(json, kind);
  if (!document) return std::unexpected(std::move(document).error());
  return std::make_shared<const PolicyDocument>(*std::move(document));
}

}  // namespace auth

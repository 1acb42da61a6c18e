#include "services/dynamodb/common.h"

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "base/encoding.h"
#include "services/dynamodb/packed_item.h"
#include "tables/expression/lexer.h"

namespace services::dynamodb {

namespace {

constexpr std::size_t kNameMin = 3;
constexpr std::size_t kNameMax = 255;

// AWS collects what is wrong with a member, worded as its validator does.
enum class Order { kCharactersFirst, kLengthFirst };
api::Error wrong_name(const std::string& name, Order order) {
  std::vector<std::string> wrongs;
  const auto add = [&](std::string_view what) {
    wrongs.push_back("Value '" + name +
                     "' at 'tableName' failed to satisfy constraint: " + std::string(what));
  };
  const bool characters = has_name_characters(name);
  constexpr std::string_view kCharacters =
      "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
  if (order == Order::kCharactersFirst && !characters) add(kCharacters);
  if (name.size() < kNameMin) add("Member must have length greater than or equal to 3");
  if (name.size() > kNameMax) add("Member must have length less than or equal to 255");
  if (order == Order::kLengthFirst && !characters) add(kCharacters);
  std::string text =
      std::to_string(wrongs.size()) +
      (wrongs.size() == 1 ? " validation error detected: " : " validation errors detected: ");
  for (std::size_t i = 0; i < wrongs.size(); ++i) text += (i > 0 ? "; " : "") + wrongs[i];
  return tables::validation(std::move(text));
}

api::Outcome<tables::TableName> from_arn(const Context& context, const std::string& arn) {
  constexpr std::string_view kPrefix = "table/";
  const auto wrong = [&](std::string_view what) {
    return tables::refuse("1 validation error detected: " + std::string(what) + " in '" + arn +
                          "'");
  };
  const auto parts = auth::parse_arn(arn);
  if (parts && parts->partition != "aws") return wrong("Invalid AWS partition");
  if (parts && parts->region != context.region) return wrong("Invalid AWS region");
  const bool typed = parts && parts->resource.find('/') != std::string_view::npos;
  if (typed && !parts->resource.starts_with(kPrefix)) return wrong("Invalid resource type");
  const std::string_view name = typed ? parts->resource.substr(kPrefix.size()) : "";
  if (!has_name_characters(name) || !has_name_length(name) || parts->service != "dynamodb")
    return tables::refuse(
        "1 validation error detected: Value '" + arn +
        "' at 'tableName' failed to satisfy constraint: Valid ARN format is "
        "'arn:<awsPartition>:<vendor>:<region>:<subscriber>:resourceType/resourceName', where "
        "Resource name must have length less than or equal to 255, Resource name must have length "
        "greater than or equal to 3, Resource name must satisfy regular expression pattern: "
        "[a-zA-Z0-9_.-]+");
  return tables::TableName{std::string(parts->account), std::string(parts->region),
                           std::string(name)};
}

std::string key_text(const tables::Value& value) {
  if (value.is_s()) return value.s();
  if (value.is_n()) return value.n();
  return value.is_b() ? base::base64(value.b()) : std::string();
}

d::Capacity capacity(double units) {
  d::Capacity made;
  made.capacity_units = units;
  return made;
}

}  // namespace

bool has_name_characters(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

bool has_name_length(std::string_view name) {
  return name.size() >= kNameMin && name.size() <= kNameMax;
}

api::Outcome<tables::TableName> item_table(const Context& context,
                                           const std::optional<std::string>& name) {
  const std::string given = name.value_or("");
  if (given.starts_with("arn:")) return from_arn(context, given);
  if (!has_name_characters(given) || !has_name_length(given))
    return std::unexpected(wrong_name(given, Order::kCharactersFirst));
  return tables::TableName{context.account_id, context.region, given};
}

api::Outcome<tables::TableName> control_table(const Context& context,
                                              const std::optional<std::string>& name) {
  const std::string given = name.value_or("");
  if (given.starts_with("arn:")) return from_arn(context, given);
  if (!has_name_length(given) || !has_name_characters(given))
    return std::unexpected(wrong_name(given, Order::kLengthFirst));
  return tables::TableName{context.account_id, context.region, given};
}

api::Outcome<tables::TablePtr> find_table(const Deps& deps, const tables::TableName& name) {
  auto table = deps.tables.catalogue().find_ready(name);
  if (!table) return std::unexpected(tables::table_not_found());
  return table;
}

api::Error no_table_to_back_up(const std::string& name) {
  return d::table_not_found("Table not found: " + name);
}

auth::Check part_check(std::string action, const std::string& arn) {
  auth::Check check{.action = std::move(action), .resource = arn};
  if (const auto parts = auth::parse_arn(arn)) check.resource_account = std::string(parts->account);
  return check;
}

std::string arn_of(const tables::TableName& name) {
  return tables::table_arn(name.account, name.region, name.name);
}

auth::Check table_check(const Deps& deps, std::string action, const tables::TableName& name,
                        const std::optional<std::string>& index) {
  auth::Check check{.action = std::move(action), .resource = arn_of(name)};
  if (index) check.resource += "/index/" + *index;
  check.resource_account = name.account;
  check.resource_policy = deps.tables.catalogue().policy_of(name);
  return check;
}

void add_context(auth::Check& check, std::string key, const std::optional<std::string>& value) {
  if (value) check.context.push_back({std::move(key), {*value}});
}

void add_leading_key(auth::Check& check, const Deps& deps, const tables::TableName& name,
                     const tables::Item& key) {
  const auto table = deps.tables.catalogue().find(name);
  if (!table) return;
  const auto found = key.find(table->definition()->keys.hash.name);
  if (found == key.end()) return;
  const auto there =
      std::ranges::find(check.context, "dynamodb:LeadingKeys", &auth::ContextEntry::key);
  if (there != check.context.end()) there->values.push_back(key_text(found->second));
  else check.context.push_back({"dynamodb:LeadingKeys", {key_text(found->second)}});
}

void Attributes::insert(const std::string& name) {
  // Items of a batch have the same attributes in the same order, mostly.
  if (++latest_ >= names_.size()) latest_ = 0;
  if (latest_ < names_.size() && names_[latest_] == name) return;
  const auto found = std::ranges::find(names_, name);
  latest_ = static_cast<std::size_t>(found - names_.begin());
  if (found == names_.end()) names_.push_back(name);
}

void Attributes::add(const tables::Item& item) {
  for (const auto& [name, value] : item) insert(name);
}

void Attributes::add(const std::vector<std::string>& names) {
  for (const auto& name : names) insert(name);
}

void Attributes::add_expression(const std::optional<std::string>& expression,
                                const std::optional<std::map<std::string, std::string>>& names) {
  using Kind = tables::expression::Token::Kind;
  if (!expression) return;
  const auto tokens = tables::expression::tokenize(*expression);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    // The head of a path: no step behind a dot, no function. Keywords come along; they are no
    // attributes that a policy could name.
    const auto& token = tokens[i];
    if (i > 0 && tokens[i - 1].kind == Kind::kDot) continue;
    if (token.kind == Kind::kName && names) {
      const auto found = names->find(std::string(token.text));
      if (found != names->end()) insert(found->second);
    } else if (token.kind == Kind::kIdentifier && tokens[i + 1].kind != Kind::kOpen) {
      constexpr std::string_view kKeywords[] = {"AND", "OR",     "NOT", "BETWEEN", "IN",
                                                "SET", "REMOVE", "ADD", "DELETE"};
      if (std::ranges::none_of(kKeywords, [&](std::string_view keyword) {
            return tables::expression::is_keyword(token, keyword);
          }))
        insert(std::string(token.text));
    }
  }
}

void Attributes::into(auth::Check& check) && {
  if (!names_.empty()) check.context.push_back({"dynamodb:Attributes", std::move(names_)});
}

std::optional<d::ConsumedCapacity> consumed(const std::optional<std::string>& wanted,
                                            const tables::TableName& name,
                                            const tables::Definition& definition,
                                            const Units& units) {
  if (wanted != "TOTAL" && wanted != "INDEXES") return std::nullopt;
  d::ConsumedCapacity made;
  made.table_name = name.name;
  double total = units.table;
  for (const auto& [index, amount] : units.indexes) total += amount;
  made.capacity_units = total;
  if (wanted == "TOTAL") return made;
  made.table = capacity(units.table);
  for (const auto& [index_name, amount] : units.indexes) {
    const tables::Index* const index = definition.find_index(index_name);
    if (index == nullptr) continue;
    auto& map = index->global ? made.global_secondary_indexes : made.local_secondary_indexes;
    if (!map) map.emplace();
    (*map)[index_name] = capacity(amount);
  }
  return made;
}

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(d::kService, d::operations());
  Measured measured(registry, deps);
  register_tables(registry, deps);
  registry.add_json_packing(item_packing());
  register_items(measured, deps);
  register_batches(measured, deps);
  register_queries(measured, deps);
  register_transactions(measured, deps);
  register_statements(measured, deps);
  register_tags(registry, deps);
  register_account(registry, deps);
  register_destinations(registry, deps);
  register_policies(registry, deps);
  register_insights(registry, deps);
  register_global_tables(registry, deps);
  if (deps.backups == nullptr) return;
  register_backups(registry, deps);
  register_recovery(registry, deps);
  register_restores(registry, deps);
  if (deps.exports != nullptr) register_exports(registry, deps);
  if (deps.imports != nullptr) register_imports(registry, deps);
}

}  // namespace services::dynamodb

#include "stacks/state.h"

#include <fmt/format.h>

#include <charconv>

#include "base/encoding.h"

namespace stacks {

namespace {

constexpr std::int64_t kVersion = 1;

// Writing: members that say nothing are left out.
class Writer {
 public:
  Writer& put(std::string_view key, const std::string& text) {
    if (!text.empty()) add(key, Value::string(text));
    return *this;
  }
  Writer& put(std::string_view key, std::int64_t number) {
    if (number != 0) add(key, Value::number(number));
    return *this;
  }
  Writer& put(std::string_view key, bool flag) {
    if (flag) add(key, Value::boolean(true));
    return *this;
  }
  Writer& put(std::string_view key, const std::vector<std::string>& texts) {
    if (texts.empty()) return *this;
    Value list = Value::list();
    for (const std::string& text : texts) list.push(Value::string(text));
    return add(key, std::move(list));
  }
  Writer& put(std::string_view key, const Value& value) {
    if (!value.is_null()) add(key, value);
    return *this;
  }
  Writer& put(std::string_view key, const char* text) { return put(key, std::string(text)); }
  Value take() { return Value::object(std::move(keys_), std::move(values_)); }

 private:
  Writer& add(std::string_view key, Value value) {
    keys_.emplace_back(key);
    values_.push_back(std::move(value));
    return *this;
  }
  std::vector<std::string> keys_;
  std::vector<Value> values_;
};

std::int64_t number_of(const Value& value, std::string_view key) {
  const std::string text = value.text_of(key);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}
bool flag_of(const Value& value, std::string_view key) { return value.text_of(key) == "true"; }
std::vector<std::string> texts_of(const Value& value, std::string_view key) {
  std::vector<std::string> texts;
  if (const Value* list = value.find(key))
    for (const Value& item : list->items()) texts.push_back(item.text());
  return texts;
}
Value value_of(const Value& value, std::string_view key, Value otherwise = {}) {
  const Value* found = value.find(key);
  return found == nullptr ? std::move(otherwise) : *found;
}

template <class T, class F>
Value list_of(const std::vector<T>& items, F&& to_value) {
  if (items.empty()) return {};
  Value list = Value::list();
  for (const T& item : items) list.push(to_value(item));
  return list;
}
template <class F>
auto items_of(const Value& value, std::string_view key, F&& from_value) {
  std::vector<decltype(from_value(value))> items;
  if (const Value* list = value.find(key))
    for (const Value& item : list->items()) items.push_back(from_value(item));
  return items;
}

Value from_tag(const Tag& tag) {
  return Writer().put("key", tag.key).put("value", tag.value).take();
}
Tag to_tag(const Value& value) { return {value.text_of("key"), value.text_of("value")}; }

Value from_blueprint(const Blueprint& blueprint) {
  return Writer()
      .put("parameters", list_of(blueprint.parameters,
                                 [](const StoredParameter& one) {
                                   return Writer()
                                       .put("name", one.name)
                                       .put("text", one.text)
                                       .put("no_echo", one.no_echo)
                                       .take();
                                 }))
      .put("tags", list_of(blueprint.tags, from_tag))
      .put("capabilities", blueprint.capabilities)
      .put("notification_arns", blueprint.notification_arns)
      .put("role_arn", blueprint.role_arn)
      .put("description", blueprint.description)
      .take();
}

Blueprint to_blueprint(const Value& value) {
  Blueprint blueprint;
  blueprint.parameters = items_of(value, "parameters", [](const Value& one) {
    return StoredParameter{one.text_of("name"), one.text_of("text"), flag_of(one, "no_echo")};
  });
  blueprint.tags = items_of(value, "tags", to_tag);
  blueprint.capabilities = texts_of(value, "capabilities");
  blueprint.notification_arns = texts_of(value, "notification_arns");
  blueprint.role_arn = value.text_of("role_arn");
  blueprint.description = value.text_of("description");
  return blueprint;
}

constexpr std::pair<auth::PrincipalKind, std::string_view> kPrincipalKinds[] = {
    {auth::PrincipalKind::kAnonymous, "anonymous"}, {auth::PrincipalKind::kRoot, "root"},
    {auth::PrincipalKind::kUser, "user"},           {auth::PrincipalKind::kAssumedRole, "role"},
    {auth::PrincipalKind::kFederated, "federated"}, {auth::PrincipalKind::kService, "service"}};

Value from_principal(const auth::Principal& principal) {
  std::string kind;
  for (const auto& [value, name] : kPrincipalKinds)
    if (value == principal.kind) kind = name;
  const auto time = [](const std::optional<base::Timestamp>& at) {
    return at ? base::to_epoch_ms(*at) : std::int64_t{0};
  };
  return Writer()
      .put("kind", kind)
      .put("account_id", principal.account_id)
      .put("arn", principal.arn)
      .put("user_id", principal.user_id)
      .put("user_name", principal.user_name)
      .put("path", principal.path)
      .put("access_key_id", principal.access_key_id)
      .put("role_arn", principal.role_arn)
      .put("role_name", principal.role_name)
      .put("session_name", principal.session_name)
      .put("source_identity", principal.source_identity)
      .put("identity_provider", principal.identity_provider)
      .put("tags", list_of(principal.tags,
                           [](const auth::Tag& tag) { return from_tag({tag.key, tag.value}); }))
      .put("session_issued", time(principal.session_issued))
      .put("session_expires", time(principal.session_expires))
      .put("mfa", principal.mfa)
      .put("service", principal.service)
      .put("invoked_by", principal.invoked_by)
      .take();
}

auth::Principal to_principal(const Value& value) {
  auth::Principal principal;
  for (const auto& [kind, name] : kPrincipalKinds)
    if (value.text_of("kind") == name) principal.kind = kind;
  principal.account_id = value.text_of("account_id");
  principal.arn = value.text_of("arn");
  principal.user_id = value.text_of("user_id");
  principal.user_name = value.text_of("user_name");
  principal.path = value.text_of("path", "/");
  principal.access_key_id = value.text_of("access_key_id");
  principal.role_arn = value.text_of("role_arn");
  principal.role_name = value.text_of("role_name");
  principal.session_name = value.text_of("session_name");
  principal.source_identity = value.text_of("source_identity");
  principal.identity_provider = value.text_of("identity_provider");
  principal.tags = items_of(value, "tags", [](const Value& tag) {
    return auth::Tag{tag.text_of("key"), tag.text_of("value")};
  });
  if (const auto at = number_of(value, "session_issued"))
    principal.session_issued = base::from_epoch_ms(at);
  if (const auto at = number_of(value, "session_expires"))
    principal.session_expires = base::from_epoch_ms(at);
  principal.mfa = flag_of(value, "mfa");
  principal.service = value.text_of("service");
  principal.invoked_by = value.text_of("invoked_by");
  return principal;
}

constexpr std::string_view kOperationKinds[] = {"create", "update", "delete"};
constexpr std::string_view kPhases[] = {"forward", "rollback", "cleanup", "rollback_cleanup"};
constexpr std::string_view kStepKinds[] = {"create", "update", "replace", "delete"};

template <class E, std::size_t N>
std::string name_of(const std::string_view (&names)[N], E value) {
  return std::string(names[static_cast<std::size_t>(value)]);
}
template <class E, std::size_t N>
E by_name(const std::string_view (&names)[N], const std::string& name) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) return static_cast<E>(i);
  return E{};
}

Value from_operation(const Operation& operation) {
  return Writer()
      .put("kind", name_of(kOperationKinds, operation.kind))
      .put("phase", name_of(kPhases, operation.phase))
      .put("id", operation.id)
      .put("client_token", operation.client_token)
      .put("on_failure", operation.on_failure)
      .put("retain", operation.retain)
      .put("deadline_ms", operation.deadline_ms)
      .put("retain_except_on_create", operation.retain_except_on_create)
      .put("reason", operation.reason)
      .put("target", operation.target ? from_blueprint(*operation.target) : Value())
      .put("principal", from_principal(operation.principal))
      .take();
}

Operation to_operation(const Value& value) {
  Operation operation;
  operation.kind = by_name<Operation::Kind>(kOperationKinds, value.text_of("kind"));
  operation.phase = by_name<Operation::Phase>(kPhases, value.text_of("phase"));
  operation.id = value.text_of("id");
  operation.client_token = value.text_of("client_token");
  operation.on_failure = value.text_of("on_failure");
  operation.retain = texts_of(value, "retain");
  operation.deadline_ms = number_of(value, "deadline_ms");
  operation.retain_except_on_create = flag_of(value, "retain_except_on_create");
  operation.reason = value.text_of("reason");
  if (const Value* target = value.find("target")) operation.target = to_blueprint(*target);
  operation.principal = to_principal(value_of(value, "principal"));
  return operation;
}

Value from_physical(const Physical& physical) {
  return Writer()
      .put("id", physical.id)
      .put("properties", physical.properties)
      .put("attributes", physical.attributes)
      .take();
}
Physical to_physical(const Value& value) {
  return {value.text_of("id"), value_of(value, "properties", Value::object()),
          value_of(value, "attributes", Value::object())};
}

Value from_step(const Step& step) {
  return Writer()
      .put("kind", name_of(kStepKinds, step.kind))
      .put("token", step.token)
      .put("name", step.name)
      .put("prepared", step.prepared)
      .put("properties", step.properties)
      .take();
}
Step to_step(const Value& value) {
  Step step;
  step.kind = by_name<Step::Kind>(kStepKinds, value.text_of("kind"));
  step.token = value.text_of("token");
  step.name = value.text_of("name");
  step.prepared = value_of(value, "prepared");
  step.properties = value_of(value, "properties", Value::object());
  return step;
}

base::Result<Value> document(std::string_view bytes) {
  auto value = parse_json(bytes, kDepthMax + 20);  // what was accepted, and our own levels
  if (!value || number_of(*value, "v") != kVersion)
    return base::error(base::ErrorCode::kCorruption, "a stored stack record is not readable");
  return value;
}

}  // namespace

std::string encode(const StackRecord& record) {
  return to_json(
      Writer()
          .put("v", kVersion)
          .put("id", record.id)
          .put("uuid", record.uuid)
          .put("name", record.name)
          .put("account", record.account)
          .put("region", record.region)
          .put("status", record.status)
          .put("status_reason", record.status_reason)
          .put("blueprint", from_blueprint(record.blueprint))
          .put("outputs", list_of(record.outputs,
                                  [](const Output& output) {
                                    return Writer()
                                        .put("name", output.name)
                                        .put("value", output.value)
                                        .put("description", output.description)
                                        .put("export", output.export_name)
                                        .take();
                                  }))
          .put("imports", record.imports)
          .put("created_ms", record.created_ms)
          .put("updated_ms", record.updated_ms)
          .put("deleted_ms", record.deleted_ms)
          .put("timeout_minutes", record.timeout_minutes)
          .put("disable_rollback", record.disable_rollback)
          .put("termination_protection", record.termination_protection)
          .put("stack_policy", record.stack_policy)
          .put("parent_id", record.parent_id)
          .put("root_id", record.root_id)
          .put("change_set_id", record.change_set_id)
          .put("next_event", static_cast<std::int64_t>(record.next_event))
          .put("operation", record.operation ? from_operation(*record.operation) : Value())
          .take());
}

base::Result<StackRecord> decode_stack(std::string_view bytes) {
  ASSIGN_OR_RETURN(const Value value, document(bytes));
  StackRecord record;
  record.id = value.text_of("id");
  record.uuid = value.text_of("uuid");
  record.name = value.text_of("name");
  record.account = value.text_of("account");
  record.region = value.text_of("region");
  record.status = value.text_of("status");
  record.status_reason = value.text_of("status_reason");
  record.blueprint = to_blueprint(value_of(value, "blueprint"));
  record.outputs = items_of(value, "outputs", [](const Value& one) {
    return Output{one.text_of("name"), one.text_of("value"), one.text_of("description"),
                  one.text_of("export")};
  });
  record.imports = texts_of(value, "imports");
  record.created_ms = number_of(value, "created_ms");
  record.updated_ms = number_of(value, "updated_ms");
  record.deleted_ms = number_of(value, "deleted_ms");
  record.timeout_minutes = number_of(value, "timeout_minutes");
  record.disable_rollback = flag_of(value, "disable_rollback");
  record.termination_protection = flag_of(value, "termination_protection");
  record.stack_policy = value.text_of("stack_policy");
  record.parent_id = value.text_of("parent_id");
  record.root_id = value.text_of("root_id");
  record.change_set_id = value.text_of("change_set_id");
  record.next_event = static_cast<std::uint64_t>(number_of(value, "next_event"));
  if (const Value* operation = value.find("operation")) record.operation = to_operation(*operation);
  return record;
}

std::string encode(const ResourceRecord& record) {
  return to_json(Writer()
                     .put("v", kVersion)
                     .put("id", record.id)
                     .put("type", record.type)
                     .put("status", record.status)
                     .put("reason", record.reason)
                     .put("changed_ms", record.changed_ms)
                     .put("now", from_physical(record.now))
                     .put("depends_on", record.depends_on)
                     .put("deletion_policy", record.deletion_policy)
                     .put("update_replace_policy", record.update_replace_policy)
                     .put("metadata", record.metadata)
                     .put("step", record.step ? from_step(*record.step) : Value())
                     .put("is_new", record.is_new)
                     .put("is_touched", record.is_touched)
                     .put("before", record.before ? from_physical(*record.before) : Value())
                     .put("leftovers", list_of(record.leftovers, from_physical))
                     .take());
}

base::Result<ResourceRecord> decode_resource(std::string_view bytes) {
  ASSIGN_OR_RETURN(const Value value, document(bytes));
  ResourceRecord record;
  record.id = value.text_of("id");
  record.type = value.text_of("type");
  record.status = value.text_of("status");
  record.reason = value.text_of("reason");
  record.changed_ms = number_of(value, "changed_ms");
  record.now = to_physical(value_of(value, "now"));
  record.depends_on = texts_of(value, "depends_on");
  record.deletion_policy = value.text_of("deletion_policy");
  record.update_replace_policy = value.text_of("update_replace_policy");
  record.metadata = value_of(value, "metadata");
  if (const Value* step = value.find("step")) record.step = to_step(*step);
  record.is_new = flag_of(value, "is_new");
  record.is_touched = flag_of(value, "is_touched");
  if (const Value* before = value.find("before")) record.before = to_physical(*before);
  record.leftovers = items_of(value, "leftovers", to_physical);
  return record;
}

std::string encode(const EventRecord& record) {
  return to_json(Writer()
                     .put("v", kVersion)
                     .put("number", static_cast<std::int64_t>(record.number))
                     .put("id", record.id)
                     .put("logical_id", record.logical_id)
                     .put("physical_id", record.physical_id)
                     .put("type", record.type)
                     .put("status", record.status)
                     .put("reason", record.reason)
                     .put("properties", record.properties)
                     .put("client_token", record.client_token)
                     .put("operation_id", record.operation_id)
                     .put("time_ms", record.time_ms)
                     .take());
}

base::Result<EventRecord> decode_event(std::string_view bytes) {
  ASSIGN_OR_RETURN(const Value value, document(bytes));
  EventRecord record;
  record.number = static_cast<std::uint64_t>(number_of(value, "number"));
  record.id = value.text_of("id");
  record.logical_id = value.text_of("logical_id");
  record.physical_id = value.text_of("physical_id");
  record.type = value.text_of("type");
  record.status = value.text_of("status");
  record.reason = value.text_of("reason");
  record.properties = value.text_of("properties");
  record.client_token = value.text_of("client_token");
  record.operation_id = value.text_of("operation_id");
  record.time_ms = number_of(value, "time_ms");
  return record;
}

std::string encode(const ChangeSetRecord& record) {
  return to_json(Writer()
                     .put("v", kVersion)
                     .put("id", record.id)
                     .put("name", record.name)
                     .put("stack_id", record.stack_id)
                     .put("type", record.type)
                     .put("status", record.status)
                     .put("status_reason", record.status_reason)
                     .put("execution_status", record.execution_status)
                     .put("description", record.description)
                     .put("on_failure", record.on_failure)
                     .put("created_ms", record.created_ms)
                     .put("target", from_blueprint(record.target))
                     .put("original", record.source.original)
                     .put("processed", record.source.processed)
                     .put("changes", record.changes)
                     .take());
}

base::Result<ChangeSetRecord> decode_change_set(std::string_view bytes) {
  ASSIGN_OR_RETURN(const Value value, document(bytes));
  ChangeSetRecord record;
  record.id = value.text_of("id");
  record.name = value.text_of("name");
  record.stack_id = value.text_of("stack_id");
  record.type = value.text_of("type");
  record.status = value.text_of("status");
  record.status_reason = value.text_of("status_reason");
  record.execution_status = value.text_of("execution_status");
  record.description = value.text_of("description");
  record.on_failure = value.text_of("on_failure");
  record.created_ms = number_of(value, "created_ms");
  record.target = to_blueprint(value_of(value, "target"));
  record.source.original = value.text_of("original");
  record.source.processed = value.text_of("processed");
  record.changes = value_of(value, "changes", Value::list());
  return record;
}

std::string encode(const TemplateText& record) {
  return to_json(Writer()
                     .put("v", kVersion)
                     .put("original", record.original)
                     .put("processed", record.processed)
                     .take());
}

base::Result<TemplateText> decode_template(std::string_view bytes) {
  ASSIGN_OR_RETURN(const Value value, document(bytes));
  return TemplateText{value.text_of("original"), value.text_of("processed")};
}

namespace keys {
std::string stack(std::string_view uuid) { return fmt::format("{}{}", kStacks, uuid); }
std::string resources(std::string_view uuid) { return fmt::format("stacks/r/{}/", uuid); }
std::string resource(std::string_view uuid, std::string_view id) {
  return fmt::format("stacks/r/{}/{}", uuid, id);
}
std::string events(std::string_view uuid) { return fmt::format("stacks/e/{}/", uuid); }
std::string event(std::string_view uuid, std::uint64_t number) {
  std::string key = events(uuid);
  base::append_u64(key, number);
  return key;
}
std::string current_template(std::string_view uuid) { return fmt::format("stacks/t/{}/now", uuid); }
std::string target_template(std::string_view uuid) {
  return fmt::format("stacks/t/{}/target", uuid);
}
std::string change_sets(std::string_view uuid) { return fmt::format("stacks/c/{}/", uuid); }
std::string change_set(std::string_view uuid, std::string_view change_set_uuid) {
  return fmt::format("stacks/c/{}/{}", uuid, change_set_uuid);
}
}  // namespace keys

}  // namespace stacks

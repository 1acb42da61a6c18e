#pragma once

// What is kept of a stack: plain records, their stored form and their keys. The byte layout is
// documented in docs/formats/stacks.md. Pure.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "auth/principal.h"
#include "base/clock.h"
#include "stacks/value.h"

namespace stacks {

struct Tag {
  std::string key;
  std::string value;
  bool operator==(const Tag&) const = default;
};

struct StoredParameter {
  std::string name;
  std::string text;
  bool no_echo = false;
  bool operator==(const StoredParameter&) const = default;
};

struct Output {
  std::string name;
  std::string value;
  std::string description;
  std::string export_name;
  bool operator==(const Output&) const = default;
};

// What a stack is made from; a running update has a second one to go to.
struct Blueprint {
  std::vector<StoredParameter> parameters;
  std::vector<Tag> tags;
  std::vector<std::string> capabilities;
  std::vector<std::string> notification_arns;
  std::string role_arn;
  std::string description;
};

// An operation under way. It is stored before its first step and cleared with its last.
struct Operation {
  enum class Kind { kCreate, kUpdate, kDelete };
  enum class Phase { kForward, kRollback, kCleanup, kRollbackCleanup };
  Kind kind = Kind::kCreate;
  Phase phase = Phase::kForward;
  std::string id;                   // a UUID
  std::string client_token;         // shown in events
  std::string on_failure;           // ROLLBACK, DELETE, DO_NOTHING
  std::vector<std::string> retain;  // deletion leaves these alone; a rollback skips these
  std::int64_t deadline_ms = 0;     // wall clock; 0: none
  bool retain_except_on_create = false;
  std::string reason;               // why it is rolled back
  std::optional<Blueprint> target;  // of an update
  auth::Principal principal;        // with whose permissions steps run
};

struct StackRecord {
  std::string id;    // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID
  std::string uuid;  // the last part of it
  std::string name;
  std::string account;
  std::string region;
  std::string status;
  std::string status_reason;
  Blueprint blueprint;
  std::vector<Output> outputs;
  std::vector<std::string> imports;  // names of exports it uses
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;  // 0: never
  std::int64_t deleted_ms = 0;  // 0: not deleted
  std::int64_t timeout_minutes = 0;
  bool disable_rollback = false;
  bool termination_protection = false;
  std::string stack_policy;
  std::string parent_id;
  std::string root_id;
  std::string change_set_id;
  std::uint64_t next_event = 1;
  std::optional<Operation> operation;

  bool is_deleted() const { return status == "DELETE_COMPLETE"; }
  bool is_busy() const { return operation.has_value(); }
};

// A physical resource and what is known of it.
struct Physical {
  std::string id;
  Value properties = Value::object();  // resolved, as handed to its handler
  Value attributes = Value::object();  // for Fn::GetAtt
};

// What is about to be done to a resource; stored before the call so that a restart can do it again.
struct Step {
  enum class Kind { kCreate, kUpdate, kReplace, kDelete };
  Kind kind = Kind::kCreate;
  std::string token;  // the same for every try of this step
  std::string name;   // chosen for the physical resource
  Value prepared;     // what the handler noted before
  Value properties = Value::object();
};

struct ResourceRecord {
  std::string id;
  std::string type;
  std::string status;
  std::string reason;
  std::int64_t changed_ms = 0;
  Physical now;
  std::vector<std::string> depends_on;
  std::string deletion_policy;
  std::string update_replace_policy;
  Value metadata;
  std::optional<Step> step;
  // During an update:
  bool is_new = false;              // made by it: a rollback deletes it
  bool is_touched = false;          // done with in this operation
  std::optional<Physical> before;   // as it was, if changed or replaced
  std::vector<Physical> leftovers;  // replaced ones, to be removed in the end
};

struct EventRecord {
  std::uint64_t number = 0;
  std::string id;
  std::string logical_id;
  std::string physical_id;
  std::string type;
  std::string status;
  std::string reason;
  std::string properties;  // JSON, secrets masked
  std::string client_token;
  std::string operation_id;
  std::int64_t time_ms = 0;
};

// A template as it was given, and as it is after transforms.
struct TemplateText {
  std::string original;
  std::string processed;
};

struct ChangeSetRecord {
  std::string id;  // arn:aws:cloudformation:REGION:ACCOUNT:changeSet/NAME/UUID
  std::string name;
  std::string stack_id;
  std::string type;  // CREATE, UPDATE
  std::string status;
  std::string status_reason;
  std::string execution_status;
  std::string description;
  std::string on_failure;
  std::int64_t created_ms = 0;
  Blueprint target;
  TemplateText source;
  Value changes = Value::list();  // as ResourceChange members
};

std::string encode(const StackRecord& record);
std::string encode(const ResourceRecord& record);
std::string encode(const EventRecord& record);
std::string encode(const ChangeSetRecord& record);
std::string encode(const TemplateText& record);
// kCorruption: not what encode() wrote.
base::Result<StackRecord> decode_stack(std::string_view bytes);
base::Result<ResourceRecord> decode_resource(std::string_view bytes);
base::Result<EventRecord> decode_event(std::string_view bytes);
base::Result<ChangeSetRecord> decode_change_set(std::string_view bytes);
base::Result<TemplateText> decode_template(std::string_view bytes);

// Keys; all start with "stacks/".
namespace keys {
inline constexpr std::string_view kStacks = "stacks/s/";
std::string stack(std::string_view uuid);
std::string resources(std::string_view uuid);  // prefix
std::string resource(std::string_view uuid, std::string_view id);
std::string events(std::string_view uuid);  // prefix
std::string event(std::string_view uuid, std::uint64_t number);
std::string current_template(std::string_view uuid);
std::string target_template(std::string_view uuid);
std::string change_sets(std::string_view uuid);  // prefix
std::string change_set(std::string_view uuid, std::string_view change_set_uuid);
}  // namespace keys

}  // namespace stacks

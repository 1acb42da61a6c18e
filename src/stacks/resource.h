#pragma once

// What a resource type is to the engine: a schema that says which properties it knows and what a
// change to each means, and a handler that makes, changes and removes one. Handlers are clients of
// the server's own API (wire::Caller), with the operation's permissions. They are stateless and
// thread-safe; everything that must survive a crash is stored by the engine around their calls.
//
// The engine stores a Step before it calls a handler and calls again with `retried` set if it
// cannot know whether the first call happened. A handler is therefore idempotent for one token:
// what it finds already made under its chosen name, or by what prepare() noted, is its own.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "api/error.h"
#include "api/shape.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/random.h"
#include "stacks/state.h"
#include "stacks/value.h"
#include "wire/caller.h"

namespace stacks {

class Engine;
class ResponseChannel;

// What a change of a property does to the physical resource.
enum class OnChange { kUpdate, kConditional, kReplace };

struct PropertyRule {
  std::string_view name;
  OnChange on_change = OnChange::kUpdate;
  bool required = false;
  const api::Shape* shape = nullptr;  // what its value has to look like; nullptr: anything
};

// Where the physical name comes from when the template gives none.
struct NameRule {
  std::string_view property;  // the property that names the resource; empty: it cannot be named
  std::size_t max = 128;
  bool lower_case = false;
};

struct ResourceSchema {
  std::string_view type;
  std::vector<PropertyRule> properties;
  std::vector<std::string_view> unsupported;  // AWS knows these, Millrace does not
  std::vector<std::string_view> attributes;   // for Fn::GetAtt
  NameRule name;
  bool any_property = false;   // custom resources
  bool any_attribute = false;  // custom resources, "Outputs.X" of nested stacks
};

struct StepContext {
  const wire::Caller& caller;
  wire::Context call;  // whose permissions, which account and region
  Engine& engine;      // for nested stacks
  ResponseChannel* responses = nullptr;
  const base::Clock& clock;
  base::Random& random;
  std::string stack_id;
  std::string stack_name;
  std::string logical_id;
  std::string type;
  std::string token;  // a UUID
  std::string name;   // the physical name to use, given or made
  bool name_is_given = false;
  std::vector<Tag> stack_tags;
  Value prepared;
  bool retried = false;
  base::Timestamp started;
  std::stop_token stop;  // requested: end a long wait early, with an error

  // A call with the operation's permissions.
  template <class Op>
  async::Task<api::Outcome<typename Op::Output>> invoke(typename Op::Input input) const {
    return caller.call<Op>(call, std::move(input));
  }
};

// The error code with which a handler ends a wait because `stop` was requested.
inline constexpr std::string_view kCancelledCode = "Millrace.Cancelled";

struct Made {
  std::string physical_id;             // what Ref answers
  Value attributes = Value::object();  // what Fn::GetAtt answers
  std::optional<api::Error> failure;   // it exists, but not as asked: to be removed by a rollback
};

class ResourceHandler {
 public:
  virtual ~ResourceHandler() = default;

  virtual const ResourceSchema& schema() const = 0;

  // Before the step is stored: looks whether what is to be made is there already (then it is
  // somebody else's, and the step fails), and notes what create() needs to recognise its own work.
  virtual async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                                   const Value& properties) const;
  virtual async::Task<api::Outcome<Made>> create(const StepContext& context,
                                                 Value properties) const = 0;
  // Brings an existing resource from `before` to `after`. Answering another physical id means that
  // it was replaced and the old one is to be removed.
  virtual async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                                 Value after) const = 0;
  // What is gone already is removed.
  virtual async::Task<api::Outcome<void>> remove(const StepContext& context,
                                                 const Physical& physical) const = 0;
  // For properties whose change replaces the resource only sometimes.
  virtual bool replaces(const Value& before, const Value& after) const;
};

// All resource types there are. Filled once at start, then read only.
class ResourceRegistry {
 public:
  void add(std::unique_ptr<ResourceHandler> handler);
  // "Custom::Anything" is AWS::CloudFormation::CustomResource. nullptr: not supported.
  const ResourceHandler* find(std::string_view type) const;

 private:
  std::vector<std::unique_ptr<ResourceHandler>> handlers_;
};

// Checks resolved or half-resolved properties before anything is made: unknown and missing ones, by
// name. The text is the reason of the resource's failure.
base::Status check_properties(const ResourceSchema& schema, std::string_view logical_id,
                              const Value& properties);

// What changing `before` into `after` does.
struct PropertyChange {
  std::string name;
  OnChange on_change = OnChange::kUpdate;
};
std::vector<PropertyChange> property_changes(const ResourceSchema& schema, const Value& before,
                                             const Value& after);

// "<stack>-<logical id>-<random>": the logical id is cut first, to 8 characters at least, then the
// stack's name.
std::string physical_name(const NameRule& rule, std::string_view stack, std::string_view logical_id,
                          base::Random& random);

}  // namespace stacks

#pragma once

// What resource handlers share: properties into API inputs, tags, waiting, recognising errors.
// Header of templates and small helpers; stateless, thread-safe.

#include <chrono>
#include <initializer_list>
#include <utility>

#include "async/timer.h"
#include "stacks/resource.h"
#include "stacks/shape_values.h"

namespace stacks::resources {

// How long a handler waits for a resource to become usable, and between two looks.
inline constexpr std::chrono::minutes kSettleMax{15};
inline constexpr std::chrono::milliseconds kFirstPoll{20};
inline constexpr std::chrono::milliseconds kLastPoll{1000};

// A failure in the handler's own words.
std::unexpected<api::Error> refuse(std::string message);
std::unexpected<api::Error> cancelled();
bool is_not_found(const api::Error& error);
bool is_conflict(const api::Error& error);  // "already exists" in any service's words
api::Error already_exists(const StepContext& context);

// Some members of `properties` under the API's names; what is not there is left out.
Value pick_as(const Value& properties,
              std::initializer_list<std::pair<std::string_view, std::string_view>> names);
// The same without renaming.
Value pick(const Value& properties, std::initializer_list<std::string_view> names);

// The resource's tags over the stack's: as a list of {Key, Value}, and as a map. Null: no tags.
Value tag_list(const Value& properties, const std::vector<Tag>& stack_tags);
Value tag_map(const Value& properties, const std::vector<Tag>& stack_tags);

// Texts of a list property; empty where there is none.
std::vector<std::string> texts(const Value& properties, std::string_view name);
bool changed(const Value& before, const Value& after, std::string_view name);

// An operation's input from properties under the API's names.
template <class Op>
api::Outcome<typename Op::Input> input_of(const Value& properties) {
  typename Op::Input input;
  const auto filled = fill(*Op::info().input, &input, properties);
  if (!filled) return refuse("Properties validation failed: " + filled.error().message);
  return input;
}

// Calls an operation with properties under the API's names.
template <class Op>
async::Task<api::Outcome<typename Op::Output>> call_with(const StepContext& context,
                                                         Value properties) {
  auto input = input_of<Op>(properties);
  if (!input) co_return std::unexpected(input.error());
  auto output = co_await context.invoke<Op>(*std::move(input));
  co_return output;
}

// For prepare(): an error if a resource of a name that the template gives is there already.
template <class Op>
async::Task<api::Outcome<Value>> refuse_existing(const StepContext& context,
                                                 typename Op::Input look) {
  if (!context.name_is_given) co_return Value();
  const auto found = co_await context.invoke<Op>(std::move(look));
  if (found) co_return std::unexpected(already_exists(context));
  co_return Value();
}

// Success for an answer whose content does not matter; what is gone already counts as removed.
template <class Output>
api::Outcome<void> done(const api::Outcome<Output>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return {};
}
template <class Output>
api::Outcome<void> gone(const api::Outcome<Output>& outcome) {
  if (!outcome && !is_not_found(outcome.error())) return std::unexpected(outcome.error());
  return {};
}

// The pause before another look, growing; an error once it is too late or the operation is stopped.
class Poll {
 public:
  explicit Poll(const StepContext& context) : context_(context) {}
  async::Task<api::Outcome<void>> pause();

 private:
  const StepContext& context_;
  std::chrono::nanoseconds waited_{0};
  std::chrono::nanoseconds next_ = kFirstPoll;
};

// The API's shape of a member of an operation's input, for property rules.
template <class Op>
const api::Shape* shape_of(std::string_view member) {
  return &member_shape(*Op::info().input, member);
}

}  // namespace stacks::resources

#include "stacks/resources/common.h"

#include <fmt/format.h>

#include <algorithm>

namespace stacks::resources {

std::unexpected<api::Error> refuse(std::string message) {
  return api::fail("", 400, std::move(message));
}

std::unexpected<api::Error> cancelled() {
  return api::fail(std::string(kCancelledCode), 400, "Cancelled");
}

namespace {
bool has(const api::Error& error, std::string_view part) {
  return error.code.find(part) != std::string::npos;
}
}  // namespace

bool is_not_found(const api::Error& error) {
  return has(error, "NotFound") || has(error, "NoSuch") || error.status == 404;
}

bool is_conflict(const api::Error& error) {
  return has(error, "AlreadyExists") || has(error, "ResourceInUse") || has(error, "AlreadyOwned") ||
         has(error, "ResourceConflict");
}

api::Error already_exists(const StepContext& context) {
  return {.code = "",
          .status = 409,
          .message = fmt::format("Resource of type '{}' with identifier '{}' already exists.",
                                 context.type, context.name)};
}

Value pick_as(const Value& properties,
              std::initializer_list<std::pair<std::string_view, std::string_view>> names) {
  Value picked = Value::object();
  for (const auto& [from, to] : names)
    if (const Value* value = properties.find(from)) picked.set(std::string(to), *value);
  return picked;
}

Value pick(const Value& properties, std::initializer_list<std::string_view> names) {
  Value picked = Value::object();
  for (const std::string_view name : names)
    if (const Value* value = properties.find(name)) picked.set(std::string(name), *value);
  return picked;
}

Value tag_map(const Value& properties, const std::vector<Tag>& stack_tags) {
  Value map = Value::object();
  for (const Tag& tag : stack_tags) map.set(tag.key, Value::string(tag.value));
  if (const Value* own = properties.find("Tags")) {
    for (const Value& tag : own->items())
      if (own->is_list()) map.set(tag.text_of("Key"), Value::string(tag.text_of("Value")));
    for (std::size_t i = 0; own->is_object() && i < own->size(); ++i)
      map.set(own->keys()[i], own->items()[i]);
  }
  return map.empty() ? Value() : map;
}

Value tag_list(const Value& properties, const std::vector<Tag>& stack_tags) {
  const Value map = tag_map(properties, stack_tags);
  if (map.is_null()) return {};
  Value list = Value::list();
  for (std::size_t i = 0; i < map.size(); ++i)
    list.push(Value::object({"Key", "Value"}, {Value::string(map.keys()[i]), map.items()[i]}));
  return list;
}

std::vector<std::string> texts(const Value& properties, std::string_view name) {
  std::vector<std::string> found;
  if (const Value* list = properties.find(name)) {
    if (list->is_scalar()) found.push_back(list->text());
    for (const Value& item : list->items()) found.push_back(item.text());
  }
  return found;
}

bool changed(const Value& before, const Value& after, std::string_view name) {
  const Value* old_value = before.find(name);
  const Value* new_value = after.find(name);
  if (old_value == nullptr || new_value == nullptr) return old_value != new_value;
  return !same_to_services(*old_value, *new_value);
}

async::Task<api::Outcome<void>> Poll::pause() {
  if (waited_ >= kSettleMax)
    co_return refuse(fmt::format("{} did not stabilise", context_.logical_id));
  const bool slept = co_await async::sleep_for(next_, context_.stop);
  if (!slept) co_return cancelled();
  waited_ += next_;
  next_ = std::min<std::chrono::nanoseconds>(next_ * 2, kLastPoll);
  co_return api::Outcome<void>();
}

}  // namespace stacks::resources

#include "stacks/engine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.h"
#include "base/time_text.h"
#include "stacks/engine_stack.h"
#include "stacks/runner.h"
#include "store/for_each.h"

namespace stacks {

Engine::Engine(EngineParts parts) : parts_(parts) {}

Engine::~Engine() = default;

async::Task<base::Status> Engine::start() {
  Engine* const self = this;
  auto loaded = co_await async::run_on(parts_.core, self->load());
  co_return loaded;
}

async::Task<void> Engine::stop() {
  stopping_.request_stop();
  co_await async::on(parts_.core);
  for (const auto& [uuid, stack] : stacks_) {
    stack->cancel.request_stop();
    stack->changed.notify();
  }
  co_await gate_.close();
}

async::Task<base::Status> Engine::load() {
  const base::Status read = co_await store::for_each_decoded(
      parts_.store, std::string(keys::kStacks), decode_stack, [this](StackRecord record) {
        auto stack = std::make_shared<Stack>();
        stack->record = std::move(record);
        stacks_[stack->record.uuid] = std::move(stack);
      });
  if (!read) co_return read;
  for (auto& [uuid, stack] : stacks_) {
    const base::Status resources = co_await load_resources(*stack);
    if (!resources) co_return resources;
  }
  const auto purged = co_await purge_deleted();
  if (!purged) co_return purged;
  for (const auto& [uuid, stack] : stacks_) {
    if (!stack->record.is_busy()) continue;
    base::log_info("stack {}: going on with {}", stack->record.name, stack->record.status);
    stack->is_driven = true;
    async::spawn(parts_.core, gate_, drive(stack));
  }
  co_return base::Status();
}

async::Task<base::Status> Engine::load_resources(Stack& stack) {
  return store::for_each_decoded(parts_.store, keys::resources(stack.record.uuid), decode_resource,
                                 [&stack](ResourceRecord record) {
                                   std::string id = record.id;
                                   stack.resources[std::move(id)] = std::move(record);
                                 });
}

async::Task<base::Status> Engine::purge_deleted() {
  const std::int64_t oldest = now_ms() - kDeletedKeptDays * 24 * 3600 * 1000;
  store::Batch batch;
  std::erase_if(stacks_, [&](const auto& one) {
    const StackRecord& record = one.second->record;
    if (!record.is_deleted() || record.deleted_ms > oldest) return false;
    batch.erase(keys::stack(record.uuid));
    batch.erase(keys::current_template(record.uuid));
    batch.erase(keys::target_template(record.uuid));
    for (const std::string& prefix :
         {keys::resources(record.uuid), keys::events(record.uuid), keys::change_sets(record.uuid)})
      batch.erase_range(prefix, store::prefix_end(prefix));
    return true;
  });
  if (batch.empty()) co_return base::Status();
  auto purged = co_await parts_.store.commit(std::move(batch));
  co_return purged;
}

async::Task<void> Engine::drive(StackPtr stack) {
  Runner runner(*this, std::move(stack));
  co_await runner.run();
}

// Stores the operation that is now on the record and sets it going.
async::Task<api::Outcome<void>> Engine::begin(StackPtr stack, store::Batch batch) {
  add_stack_event(batch, *stack);
  batch.put(keys::stack(stack->record.uuid), encode(stack->record));
  // Driven from here on, so that nobody else starts it while the batch is being synced.
  const bool was_driven = std::exchange(stack->is_driven, true);
  const auto stored = co_await parts_.store.commit(std::move(batch));
  if (!stored) {
    stack->is_driven = was_driven;
    co_return std::unexpected(api::internal_failure());
  }
  if (!was_driven) async::spawn(parts_.core, gate_, drive(std::move(stack)));
  co_return api::Outcome<void>();
}

void Engine::add_event(store::Batch& batch, Stack& stack, EventRecord event) const {
  event.number = stack.record.next_event++;
  event.time_ms = now_ms();
  if (event.id.empty())
    event.id = fmt::format("{}-{}-{}", event.logical_id, event.status,
                           base::iso8601_ms(base::from_epoch_ms(event.time_ms)));
  if (stack.record.operation) {
    event.client_token = stack.record.operation->client_token;
    event.operation_id = stack.record.operation->id;
  }
  const std::string key = keys::event(stack.record.uuid, event.number);
  batch.put(key, encode(event));
}

void Engine::add_stack_event(store::Batch& batch, Stack& stack) const {
  EventRecord event;
  event.id = base::uuid(parts_.random);
  event.logical_id = stack.record.name;
  event.physical_id = stack.record.id;
  event.type = "AWS::CloudFormation::Stack";
  event.status = stack.record.status;
  event.reason = stack.record.status_reason;
  add_event(batch, stack, std::move(event));
}

Engine::StackPtr Engine::by_id(const std::string& id) const {
  const auto found = stacks_.find(id.substr(id.rfind('/') + 1));
  return found != stacks_.end() && found->second->record.id == id ? found->second : nullptr;
}

Engine::StackPtr Engine::lookup(const std::string& account, const std::string& region,
                                const std::string& name_or_id) const {
  if (name_or_id.starts_with("arn:")) {
    StackPtr stack = by_id(name_or_id);
    return stack && stack->record.account == account && stack->record.region == region ? stack
                                                                                       : nullptr;
  }
  for (const auto& [uuid, stack] : stacks_) {
    const StackRecord& record = stack->record;
    if (record.name == name_or_id && record.account == account && record.region == region &&
        !record.is_deleted())
      return stack;
  }
  return nullptr;
}

std::optional<std::string> Engine::exported(const std::string& account, const std::string& region,
                                            const std::string& name) const {
  for (const auto& [uuid, stack] : stacks_) {
    const StackRecord& record = stack->record;
    if (record.account != account || record.region != region || record.is_deleted()) continue;
    for (const Output& output : record.outputs)
      if (output.export_name == name) return output.value;
  }
  return std::nullopt;
}

std::vector<std::string> Engine::importers_here(const StackRecord& exporter,
                                                const std::string& export_name) const {
  std::vector<std::string> names;
  for (const auto& [uuid, stack] : stacks_) {
    const StackRecord& record = stack->record;
    if (record.account != exporter.account || record.region != exporter.region ||
        record.is_deleted())
      continue;
    if (std::find(record.imports.begin(), record.imports.end(), export_name) !=
        record.imports.end())
      names.push_back(record.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

async::Task<std::optional<StackView>> Engine::find(std::string account, std::string region,
                                                   std::string name_or_id) {
  const Home home;
  co_await async::on(parts_.core);
  std::optional<StackView> view;
  if (const StackPtr stack = lookup(account, region, name_or_id))
    view = StackView{stack->record, stack->resources};
  co_await home.back();
  co_return view;
}

async::Task<std::vector<StackRecord>> Engine::list(std::string account, std::string region) {
  const Home home;
  co_await async::on(parts_.core);
  std::vector<StackRecord> records;
  for (const auto& [uuid, stack] : stacks_)
    if (stack->record.account == account && stack->record.region == region)
      records.push_back(stack->record);
  std::sort(records.begin(), records.end(), [](const StackRecord& a, const StackRecord& b) {
    return std::tie(b.created_ms, b.uuid) < std::tie(a.created_ms, a.uuid);
  });
  co_await home.back();
  co_return records;
}

async::Task<std::optional<StackView>> Engine::find_by_resource(std::string account,
                                                               std::string region,
                                                               std::string physical_id) {
  const Home home;
  co_await async::on(parts_.core);
  std::optional<StackView> view;
  for (const auto& [uuid, stack] : stacks_) {
    if (stack->record.account != account || stack->record.region != region) continue;
    for (const auto& [id, resource] : stack->resources)
      if (!view && resource.now.id == physical_id && !stack->record.is_deleted())
        view = StackView{stack->record, stack->resources};
  }
  co_await home.back();
  co_return view;
}

async::Task<base::Result<std::vector<EventRecord>>> Engine::events(std::string uuid,
                                                                   std::uint64_t before,
                                                                   std::size_t limit) {
  const std::string from = keys::events(uuid);
  std::string to = before == 0 ? store::prefix_end(from) : keys::event(uuid, before);
  auto page = co_await parts_.store.scan(from, std::move(to), {.limit = limit, .reverse = true});
  if (!page) co_return std::unexpected(page.error());
  // What is shown must not be forgotten by a crash.
  const auto durable = co_await parts_.store.durable(parts_.store.applied());
  if (!durable) co_return std::unexpected(durable.error());
  std::vector<EventRecord> events;
  for (const store::KeyValue& one : *page) {
    auto event = decode_event(one.value);
    if (!event) co_return std::unexpected(event.error());
    events.push_back(*std::move(event));
  }
  co_return events;
}

async::Task<base::Result<TemplateText>> Engine::template_of(std::string uuid) {
  auto text = co_await parts_.store.get(keys::current_template(uuid));
  if (!text) co_return std::unexpected(text.error());
  if (!*text) co_return TemplateText();
  co_return decode_template(**text);
}

async::Task<std::vector<Export>> Engine::exports(std::string account, std::string region) {
  const auto records = co_await list(account, region);
  std::vector<Export> found;
  for (const StackRecord& record : records) {
    if (record.is_deleted()) continue;
    for (const Output& output : record.outputs)
      if (!output.export_name.empty())
        found.push_back({output.export_name, output.value, record.id});
  }
  std::sort(found.begin(), found.end(),
            [](const Export& a, const Export& b) { return a.name < b.name; });
  co_return found;
}

async::Task<std::vector<std::string>> Engine::importers(std::string account, std::string region,
                                                        std::string export_name) {
  const Home home;
  co_await async::on(parts_.core);
  StackRecord exporter;
  exporter.account = account;
  exporter.region = region;
  auto names = importers_here(exporter, export_name);
  co_await home.back();
  co_return names;
}

async::Task<std::optional<StackView>> Engine::settled(std::string id, std::stop_token stop) {
  const Home home;
  co_await async::on(parts_.core);
  std::optional<StackView> view;
  while (const StackPtr stack = by_id(id)) {
    const auto seen = stack->changed.version();
    if (!stack->record.is_busy()) {
      view = StackView{stack->record, stack->resources};
      break;
    }
    if (stopping_.stop_requested()) break;
    const bool changed = co_await stack->changed.wait_past(seen, base::SteadyTime::max(), stop);
    if (!changed) break;
  }
  co_await home.back();
  co_return view;
}

}  // namespace stacks

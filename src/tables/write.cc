#include "tables/write.h"

#include <algorithm>
#include <cmath>

#include "api/dynamodb/errors.h"
#include "tables/expiry.h"
#include "tables/expression/evaluate.h"
#include "tables/expression/update.h"
#include "tables/item.h"

namespace tables {

namespace {

using expression::Action;

constexpr double kWriteUnitBytes = 1024;

std::optional<api::Error> check_update(const Definition& definition,
                                       const expression::Update& update) {
  const auto changes = [&](const std::string& name) {
    return std::ranges::any_of(update.actions,
                               [&](const Action& a) { return a.path.front().name == name; });
  };
  const auto part_of_key = [](const std::string& name) {
    return invalid_parameter("Cannot update attribute " + name +
                             ". This attribute is part of the key");
  };
  if (changes(definition.keys.hash.name)) return part_of_key(definition.keys.hash.name);
  if (definition.keys.range && changes(definition.keys.range->name))
    return part_of_key(definition.keys.range->name);
  // Values whose type is known here already.
  Item literals;
  for (const Action& action : update.actions) {
    using Kind = expression::Operand::Kind;
    const bool sets = action.kind == Action::Kind::kSet || action.kind == Action::Kind::kAdd;
    if (action.path.size() > 1 || !sets) continue;
    Value& known = literals[action.path.front().name];
    switch (action.value.kind) {
      case Kind::kValue: known = action.value.value; break;
      case Kind::kPlus:
      case Kind::kMinus: known = Value::of_n("0"); break;
      default: literals.erase(action.path.front().name);
    }
  }
  if (auto wrong = check_index_keys(definition, literals)) return wrong;
  std::vector<const expression::Path*> paths;
  for (const Action& action : update.actions) {
    paths.push_back(&action.path);
    expression::collect_paths(action.value, paths);
  }
  return check_key_paths(definition, paths);
}

std::optional<api::Error> check_new_item(const Definition& definition, bool is_update,
                                         const LazyItem& item) {
  if (item.bytes() > kItemBytesMax)
    return validation(is_update ? "Item size to update has exceeded the maximum allowed size"
                                : "Item size has exceeded the maximum allowed size");
  if (item.is_decoded() && std::ranges::any_of(*item, nests_too_deep, &Item::value_type::second))
    return validation(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
        "beyond supported limit");
  if (definition.indexes.empty()) return std::nullopt;
  auto wrong = check_index_keys(definition, *item);
  if (wrong && is_update && wrong->message.find("Type mismatch for Index Key") != std::string::npos)
    return validation(
        "The update expression attempted to update the secondary index key to unsupported type");
  return wrong;
}

// An update that only takes away does not make an item that is not there.
bool only_removes(const expression::Update& update) {
  return !update.actions.empty() && std::ranges::all_of(update.actions, [](const Action& action) {
    return action.kind == Action::Kind::kRemove || action.kind == Action::Kind::kDelete;
  });
}

double change_index(const Definition& definition, const Index& index, const Item* before,
                    const Item* after, store::Batch& batch, Counts& counts) {
  const auto old_entry = before ? index_entry(definition, index, *before) : std::nullopt;
  const auto new_entry = after ? index_entry(definition, index, *after) : std::nullopt;
  if (!old_entry && !new_entry) return 0;
  const std::string prefix = keys::entries(definition.id, index.id);
  double units = 0;
  std::string old_key, new_key;
  if (old_entry) old_key = prefix + encode_index_key(definition, index, *old_entry);
  if (new_entry) new_key = prefix + encode_index_key(definition, index, *new_entry);
  Count& count = counts[index.id];
  if (old_entry) {
    const std::size_t bytes = item_size(*old_entry);
    count.items -= 1;
    count.bytes -= static_cast<std::int64_t>(bytes);
    if (old_key != new_key) {
      batch.erase(old_key);
      units += write_units(bytes);
    }
  }
  if (!new_entry) return units;
  const std::size_t bytes = item_size(*new_entry);
  count.items += 1;
  count.bytes += static_cast<std::int64_t>(bytes);
  if (old_key == new_key && equal(*old_entry, *new_entry)) return units;
  batch.put(std::move(new_key), encode_item(*new_entry));
  return units + write_units(old_entry ? std::max(bytes, item_size(*old_entry)) : bytes);
}

void change_expiry(const Definition& definition, const std::string& item_key, const Item* before,
                   const Item* after, store::Batch& batch) {
  const auto old_end = before ? expiry_of(definition, *before) : std::nullopt;
  const auto new_end = after ? expiry_of(definition, *after) : std::nullopt;
  if (old_end == new_end) return;
  if (old_end) batch.erase(expiry_key(*old_end, definition.id, item_key));
  if (new_end) batch.put(expiry_key(*new_end, definition.id, item_key), "");
}

}  // namespace

double write_units(std::size_t bytes) {
  return std::max(1.0, std::ceil(static_cast<double>(bytes) / kWriteUnitBytes));
}

std::optional<Item> Written::returned(ReturnValues wanted, const Write& write) const {
  const auto updated = [&](const Item* item) -> std::optional<Item> {
    if (item == nullptr || !write.update) return std::nullopt;
    expression::Projection paths;
    for (const Action& action : write.update->actions) paths.push_back(action.path);
    Item kept = expression::project(*item, paths);
    if (kept.empty()) return std::nullopt;
    return kept;
  };
  switch (wanted) {
    case ReturnValues::kNone: return std::nullopt;
    case ReturnValues::kAllOld: return before.copy();
    case ReturnValues::kAllNew: return after.copy();
    case ReturnValues::kUpdatedOld: return updated(before.get());
    case ReturnValues::kUpdatedNew: return updated(after.get());
  }
  return std::nullopt;
}

std::optional<api::Error> check_key_paths(const Definition& definition,
                                          const std::vector<const expression::Path*>& paths) {
  const auto goes_into = [&](const std::string& name) {
    return std::ranges::any_of(paths, [&](const expression::Path* path) {
      return path->size() > 1 && path->front().name == name;
    });
  };
  const auto refuse_key = [](std::string_view kind, const std::string& name) {
    return validation(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
        "allowed: " +
        std::string(kind) + ": " + name);
  };
  const auto check = [&](const KeySchema& schema,
                         std::string_view kind) -> std::optional<api::Error> {
    return schema.each([&](const KeyAttribute& key, bool) -> std::optional<api::Error> {
      if (!goes_into(key.name)) return std::nullopt;
      return refuse_key(kind, key.name);
    });
  };
  if (auto wrong = check(definition.keys, "Key")) return wrong;
  for (const Index& index : definition.indexes) {
    if (auto wrong = check(index.keys, "IndexKey")) return wrong;
  }
  return std::nullopt;
}

std::optional<api::Error> check_write(const Definition& definition, const Write& write) {
  if (write.kind == Write::Kind::kPut) {
    if (auto wrong = check_item_key(definition.keys, write.item)) return wrong;
    return definition.indexes.empty() ? std::nullopt : check_index_keys(definition, *write.item);
  }
  if (auto wrong = check_key(definition.keys, *write.item)) return wrong;
  if (write.update) return check_update(definition, *write.update);
  return std::nullopt;
}

api::Outcome<LazyItem> decide(const Definition& definition, Write write, const LazyItem& before) {
  static const Item kNothing;
  const auto checked = [&](LazyItem item) -> api::Outcome<LazyItem> {
    const bool is_update = write.kind == Write::Kind::kUpdate;
    if (auto wrong = check_new_item(definition, is_update, item))
      return std::unexpected(*std::move(wrong));
    return item;
  };
  if (write.condition && !expression::holds(*write.condition, before ? *before : kNothing))
    return std::unexpected(condition_failed(before, write.old_item_on_failure));
  switch (write.kind) {
    case Write::Kind::kCheck: return before;
    case Write::Kind::kDelete: return LazyItem();
    case Write::Kind::kPut: return checked(std::move(write.item));
    case Write::Kind::kUpdate: break;
  }
  // Of an item that is not there anything can be removed, at any path.
  const bool removes_nothing = !before && write.update && only_removes(*write.update) &&
                               std::ranges::none_of(write.update->actions, [](const Action& a) {
                                 return a.kind == Action::Kind::kDelete;
                               });
  if (removes_nothing) return LazyItem();
  Item after = before ? *before.copy() : *write.item.copy();
  if (write.update) {
    auto applied = expression::apply(*write.update, after);
    if (!applied) return refuse(std::move(applied).error());
    if (!before && only_removes(*write.update)) return LazyItem();
    after = *std::move(applied);
  }
  return checked(std::move(after));
}

Written record_change(const Definition& definition, std::string item_key, LazyItem before,
                      LazyItem after, store::Batch& batch, Counts& counts) {
  if (definition.time_to_live.enabled)
    change_expiry(definition, item_key, before.get(), after.get(), batch);
  Written written;
  std::size_t largest = 0;
  Count& count = counts[IndexId(0)];
  if (before) {
    const std::size_t bytes = before.bytes();
    largest = bytes;
    count.items -= 1;
    count.bytes -= static_cast<std::int64_t>(bytes);
  }
  if (after) {
    largest = std::max(largest, after.bytes());
    count.items += 1;
    count.bytes += static_cast<std::int64_t>(after.bytes());
    batch.put(std::move(item_key), after.stored());
  } else if (before) {
    batch.erase(std::move(item_key));
  }
  written.table_units = write_units(largest);
  for (const Index& index : definition.indexes) {
    const double units = change_index(definition, index, before.get(), after.get(), batch, counts);
    if (units > 0) written.index_units[index.name] = units;
  }
  written.before = std::move(before);
  written.after = std::move(after);
  return written;
}

std::vector<Change> changes_of(const std::vector<std::shared_ptr<const Definition>>& definitions,
                               const std::vector<Written>& written) {
  std::vector<Change> changes;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const Written& one = written[i];
    if (is_captured(*definitions[i]) && (one.before || one.after))
      changes.push_back({*definitions[i], one.before.get(), one.after.get()});
  }
  return changes;
}

api::Error condition_failed(const LazyItem& item, bool show_item) {
  api::Error error = api::dynamodb::conditional_check_failed("The conditional request failed");
  if (item && show_item) {
    auto detail = std::make_shared<api::dynamodb::ConditionalCheckFailedException>();
    detail->message = error.message;
    detail->item = *item;
    error.detail = std::move(detail);
    error.detail_shape = &api::dynamodb::kConditionalCheckFailedExceptionShape;
  }
  return error;
}

api::Error table_not_found() {
  return api::dynamodb::resource_not_found("Requested resource not found");
}

}  // namespace tables

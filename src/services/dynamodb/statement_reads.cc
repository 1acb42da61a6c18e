// SELECT: one page of it.

#include <algorithm>

#include "base/encoding.h"
#include "services/dynamodb/statements.h"
#include "services/dynamodb/throttling.h"
#include "tables/expression/evaluate.h"
#include "tables/item.h"
#include "tables/record.h"

namespace services::dynamodb {

namespace {

constexpr std::uint8_t kTokenVersion = 1;

// Where a page begins.
struct Place {
  std::size_t stretch = 0;
  std::optional<tables::Item> last;  // exclusive; nullopt: from the stretch's begin
};

std::string encode_token(const Place& place, const std::string& fingerprint) {
  tables::ByteWriter out;
  out.byte(kTokenVersion);
  out.bytes(fingerprint);
  out.varint(place.stretch);
  if (place.last) out.bytes(tables::encode_item(*place.last));
  return base::base64(out.take());
}

api::Outcome<Place> decode_token(const Reading& reading) {
  constexpr const char* kInvalid = "Invalid NextToken";
  if (!reading.token) return Place{};
  const auto bytes = base::from_base64(*reading.token);
  if (!bytes) return tables::refuse(kInvalid);
  tables::ByteReader in(*bytes);
  const bool known = in.byte() == kTokenVersion;
  const std::string_view fingerprint = in.bytes();
  Place place{.stretch = in.varint(), .last = {}};
  if (!known || in.bad()) return tables::refuse(kInvalid);
  if (fingerprint != reading.fingerprint) return tables::refuse("NextToken does not match request");
  if (!in.done()) {
    auto last = tables::decode_item(in.bytes());
    if (!last) return tables::refuse(kInvalid);
    place.last = *std::move(last);
    // Anybody can make a token: it is as good as an ExclusiveStartKey.
    const tables::ReadOptions options{.start = place.last};
    if (check_scan(*reading.bound.definition, reading.bound.index, {}, options))
      return tables::refuse(kInvalid);
  }
  const std::size_t stretches = reading.plan.keyed ? reading.plan.stretches.size() : 1;
  if (in.bad() || place.stretch >= stretches) return tables::refuse(kInvalid);
  return place;
}

class Reader {
 public:
  Reader(const Deps& deps, Reading reading) : deps_(deps), reading_(std::move(reading)) {
    const tables::Index* const index = reading_.bound.index;
    if (index == nullptr || index->global) return;
    // A local index looks at the table for what it does not have.
    for (const auto& column : reading_.bound.statement.columns)
      whole_items_ = whole_items_ ||
                     !index->projects(reading_.bound.definition->keys, column.path.front().name);
  }

  Answer<Outcome> run() {
    auto place = decode_token(reading_);
    if (!place) co_return std::unexpected(std::move(place).error());
    const std::size_t stretches = reading_.plan.keyed ? reading_.plan.stretches.size() : 1;
    if (stretches == 0) charge(tables::read_units(0, reading_.consistent));
    const std::size_t end = std::min(stretches, place->stretch + kReadsOfPageMax);
    while (place->stretch < end && !is_full()) {
      auto read = co_await one(*place);
      if (!read) co_return std::unexpected(std::move(read).error());
      place->last = *std::move(read);
      if (place->last) break;
      ++place->stretch;
    }
    if (place->stretch < stretches) {
      outcome_.next_token = encode_token(*place, reading_.fingerprint);
      outcome_.last = std::move(place->last);
    }
    co_return std::move(outcome_);
  }

 private:
  bool is_full() const {
    return bytes_ >= tables::kPageBytesMax || (reading_.limit && scanned_ >= *reading_.limit);
  }

  // Answers where reading stopped; nullopt: at the stretch's end.
  Answer<std::optional<tables::Item>> one(const Place& place) {
    const auto& plan = reading_.plan;
    if (auto refused = refuse_read(drawn(), reading_.bound.index, nullptr))
      co_return std::unexpected(*std::move(refused));
    if (plan.keyed && plan.stretches[place.stretch].key) {
      auto read = co_await one_item(*plan.stretches[place.stretch].key);
      if (!read) co_return std::unexpected(std::move(read).error());
      co_return std::optional<tables::Item>();
    }
    const Bound& bound = reading_.bound;
    tables::ReadOptions options{.bytes_max = tables::kPageBytesMax - bytes_,
                                .start = place.last,
                                .forward = plan.forward,
                                .whole_items = whole_items_};
    if (!plan.only_keys) options.filter = bound.statement.where;
    if (reading_.limit) options.limit = *reading_.limit - scanned_;
    auto reading = plan.keyed ? deps_.tables.reader().range(
                                    bound.table, bound.definition, bound.index,
                                    plan.stretches[place.stretch].keys, std::move(options))
                              : deps_.tables.reader().scan(bound.table, bound.definition,
                                                           bound.index, {}, std::move(options));
    auto page = co_await std::move(reading);
    if (!page) co_return std::unexpected(std::move(page).error());
    charge(tables::read_units(*page, reading_.consistent));
    const double table_units = static_cast<double>(page->table_units);
    outcome_.units.table += reading_.consistent ? table_units : table_units / 2;
    scanned_ += page->scanned;
    bytes_ += page->bytes;
    for (tables::Item& item : page->items) show(std::move(item));
    co_return std::move(page->last);
  }

  Answer<bool> one_item(tables::Item key) {
    auto item = co_await deps_.tables.reader().get(reading_.bound.table, std::move(key));
    if (!item) co_return std::unexpected(std::move(item).error());
    const std::size_t bytes = *item ? tables::item_size(**item) : 1;
    charge(tables::read_units(bytes, reading_.consistent));
    if (!*item) co_return false;
    ++scanned_;
    bytes_ += bytes;
    const auto& where = reading_.bound.statement.where;
    if (reading_.plan.only_keys || expression::holds(*where, **item)) show(**std::move(item));
    co_return true;
  }

  void show(tables::Item item) {
    outcome_.items.push_back(partiql::show(reading_.bound.statement.columns, std::move(item)));
  }

  Drawn drawn() const { return {deps_, *reading_.bound.table, *reading_.bound.definition}; }

  void charge(double units) {
    charge_read(drawn(), reading_.bound.index, nullptr, units);
    if (reading_.bound.index != nullptr)
      outcome_.units.indexes[reading_.bound.index->name] += units;
    else outcome_.units.table += units;
  }

  const Deps& deps_;
  Reading reading_;
  bool whole_items_ = false;
  std::size_t scanned_ = 0;
  std::size_t bytes_ = 0;
  Outcome outcome_;
};

}  // namespace

Answer<Outcome> read_statement(const Deps& deps, Reading reading) {
  Reader reader(deps, std::move(reading));
  auto outcome = co_await reader.run();
  co_return outcome;
}

}  // namespace services::dynamodb

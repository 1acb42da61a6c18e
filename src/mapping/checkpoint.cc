#include "mapping/checkpoint.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/encoding.h"

namespace mapping {
namespace {

namespace json = boost::json;

json::array positions_of(const std::vector<Position>& lanes) {
  json::array made;
  for (const Position position : lanes) made.emplace_back(position);
  return made;
}

std::vector<Position> lanes_of(const json::value& from) {
  std::vector<Position> made;
  for (const json::value& each : from.as_array()) made.push_back(each.to_number<Position>());
  if (made.empty()) throw std::invalid_argument("no lanes");
  return made;
}

Checkpoint decode_lanes(const json::value& from) {
  Checkpoint made;
  made.lanes = lanes_of(from.at("lanes"));
  for (const json::value& each : from.at("earlier").as_array())
    made.earlier.push_back(lanes_of(each));
  if (const json::value* const window = from.as_object().if_contains("window"))
    made.window =
        OpenWindow{.start = base::from_epoch_ms(window->at("start_ms").to_number<std::int64_t>()),
                   .state = std::string(window->at("state").as_string())};
  return made;
}

}  // namespace

// FNV-1a, 64 bits.
std::size_t lane_of(std::string_view partition_key, std::size_t lanes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : partition_key) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash % lanes;
}

Checkpoint Checkpoint::at(Position position, std::size_t lanes) {
  Checkpoint made;
  made.lanes.assign(lanes, position);
  return made;
}

Position Checkpoint::lowest() const { return std::ranges::min(lanes); }

void Checkpoint::set_lanes(std::size_t count) {
  if (count == lanes.size()) return;
  const Position from = lowest();
  if (std::ranges::max(lanes) > from) earlier.push_back(lanes);
  if (earlier.size() > kEarlierMax) earlier.erase(earlier.begin());
  lanes.assign(count, from);
}

void Checkpoint::advance(std::size_t lane, Position next) {
  lanes[lane] = std::max(lanes[lane], next);
  if (earlier.empty()) return;
  const Position from = lowest();
  std::erase_if(earlier,
                [&](const std::vector<Position>& old) { return std::ranges::max(old) <= from; });
}

bool Checkpoint::wants(std::size_t lane, Position position, std::string_view partition_key) const {
  if (lanes.size() > 1 && lane_of(partition_key, lanes.size()) != lane) return false;
  return std::ranges::none_of(earlier, [&](const std::vector<Position>& old) {
    return position < old[lane_of(partition_key, old.size())];
  });
}

std::string encode(const Checkpoint& checkpoint) {
  if (checkpoint.lanes.size() == 1 && checkpoint.earlier.empty() && !checkpoint.window) {
    std::string value;
    base::append_u64(value, checkpoint.lanes.front());
    return value;
  }
  json::array earlier;
  for (const auto& old : checkpoint.earlier) earlier.emplace_back(positions_of(old));
  json::object made{{"version", 2}, {"lanes", positions_of(checkpoint.lanes)}};
  made["earlier"] = std::move(earlier);
  if (checkpoint.window)
    made["window"] = json::object{{"start_ms", base::to_epoch_ms(checkpoint.window->start)},
                                  {"state", checkpoint.window->state}};
  return json::serialize(made);
}

base::Result<Checkpoint> decode_checkpoint(std::string_view bytes) {
  if (bytes.size() == 8) return Checkpoint::at(base::read_u64(bytes), 1);
  try {
    return decode_lanes(json::parse(bytes));
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("a checkpoint: ") + failure.what());
  }
}

}  // namespace mapping

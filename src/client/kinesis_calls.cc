#include "client/kinesis_calls.h"

#include <fmt/format.h>

namespace client {

namespace k = api::kinesis;
using async::Task;

namespace {

constexpr std::size_t kShardIdDigits = 12;

template <class T>
void append(std::vector<T>& to, std::optional<std::vector<T>> from) {
  if (!from) return;
  for (T& item : *from) to.push_back(std::move(item));
}

}  // namespace

Task<Answer<std::vector<k::Shard>>> list_shards(const Retries& with, std::string stream,
                                                Patience patience) {
  std::vector<k::Shard> shards;
  k::ListShardsInput input{.stream_name = std::move(stream)};
  for (;;) {
    auto page = co_await call_patiently<k::op::ListShards>(with, input, patience);
    if (!page) co_return std::unexpected(std::move(page).error());
    append(shards, std::move(page->shards));
    if (!page->next_token || page->next_token->empty()) co_return shards;
    if (shards.size() > kShardsMax)
      co_return std::unexpected(Failure{.message = fmt::format("more than {} shards", kShardsMax)});
    // A token stands for the stream.
    input = {.next_token = std::move(page->next_token)};
  }
}

Task<Answer<StreamList>> list_streams(const Retries& with) {
  StreamList list;
  k::ListStreamsInput input;
  for (;;) {
    auto page = co_await call_patiently<k::op::ListStreams>(with, input);
    if (!page) co_return std::unexpected(std::move(page).error());
    append(list.names, std::move(page->stream_names));
    append(list.summaries, std::move(page->stream_summaries));
    if (!page->has_more_streams.value_or(false) || list.names.empty()) co_return list;
    input = {.exclusive_start_stream_name = list.names.back()};
  }
}

bool is_open(const k::Shard& shard) {
  return !shard.sequence_number_range || !shard.sequence_number_range->ending_sequence_number;
}

std::vector<std::string> parents_of(const k::Shard& shard) {
  std::vector<std::string> parents;
  if (shard.parent_shard_id) parents.push_back(*shard.parent_shard_id);
  if (shard.adjacent_parent_shard_id) parents.push_back(*shard.adjacent_parent_shard_id);
  return parents;
}

std::string whole_shard_id(const std::string& text) {
  const bool number = !text.empty() && text.size() <= kShardIdDigits &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  return number ? fmt::format("shardId-{:0>12}", text) : text;
}

}  // namespace client

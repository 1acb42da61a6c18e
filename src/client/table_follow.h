#pragma once

// Following a table's changes through its stream: every shard, and those that come of them when
// they roll over, parents first. An item's changes come in their order; nothing is said about the
// order of items of different shards.
//
// Lives on the core it is awaited on. Limits: kChangeReadsAtOnce requests at a time; a shard is
// asked at most every kChangePollEvery while nothing new is there (AWS allows five a second).

#include "api/dynamodbstreams/operations.h"
#include "client/item_text.h"
#include "client/patient.h"

namespace client {

inline constexpr std::size_t kChangeReadsAtOnce = 8;
inline constexpr std::chrono::milliseconds kChangePollEvery{300};

struct TableChange {
  std::optional<base::Timestamp> time;
  std::string kind;  // INSERT, MODIFY, REMOVE
  bool expired = false;
  Item keys;
  std::optional<Item> before, after;  // as far as the stream has them
};
TableChange table_change(const api::dynamodbstreams::Record& record);

// Time, kind, keys, and what is new or changed, with tabs between them; without an end of line.
std::string change_line(const TableChange& change);
std::string change_json(const TableChange& change, bool typed);

class ChangeTaker {
 public:
  virtual ~ChangeTaker() = default;
  // False: enough.
  virtual bool take(const TableChange& change) = 0;
  virtual void note(std::string line) = 0;
};

class TableFollower {
 public:
  // What it is given outlives it.
  TableFollower(Retries with, std::string stream_arn, ChangeTaker& taker)
      : with_(std::move(with)), arn_(std::move(stream_arn)), taker_(taker) {}

  // From here on changes count.
  async::Task<Answer<void>> begin();
  // Until it is stopped, enough, or the stream ends.
  async::Task<Answer<void>> run();

 private:
  enum class State { kWaits, kReads, kDone };
  struct Shard {
    std::string id, parent;
    State state = State::kWaits;
    bool from_start = false;  // otherwise from now on
    std::optional<std::string> iterator;
    std::string last_sequence;
    base::SteadyTime due{};
    unsigned attempt = 0;
  };

  async::Task<Answer<void>> list(bool first);
  async::Task<bool> fetch_iterator(Shard& shard);
  async::Task<bool> read(Shard& shard);
  bool deliver(Shard& shard, const std::vector<api::dynamodbstreams::Record>& records);
  void failed(Shard& shard, const Failure& failure);
  std::vector<Shard*> due_shards();
  void start_ready();
  bool over() const { return enough_ || failure_ || with_.stop.stop_requested(); }

  Retries with_;
  std::string arn_;
  ChangeTaker& taker_;
  std::map<std::string, Shard> shards_;
  bool list_again_ = false;
  bool enough_ = false;
  bool unreachable_ = false;
  std::optional<Failure> failure_;
};

}  // namespace client

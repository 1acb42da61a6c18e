#pragma once

// What an account has set for all its streams of a region: the commitment to pay for a least
// throughput, which on-demand streams need before their throughput can be warmed. One
// AccountSettings per StreamLog; changes happen on the control core, one after another, and are
// durable when they are answered; reading works from any core (docs/formats/streamlog.md).

#include <map>
#include <optional>
#include <string>

#include "async/core.h"
#include "async/mutex.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "store/store.h"

namespace streamlog {

// A commitment cannot end sooner than this.
inline constexpr std::chrono::hours kCommitmentLeast{24};

struct Commitment {
  std::optional<base::Timestamp> started;  // never: there was none
  std::optional<base::Timestamp> ends;     // asked to end then; in the past: it has ended

  bool is_running(base::Timestamp now) const { return started && (!ends || now < *ends); }
  std::optional<base::Timestamp> earliest_end() const;
  bool operator==(const Commitment&) const = default;
};

std::string encode_commitment(const Commitment& commitment);
base::Result<Commitment> decode_commitment(std::string_view bytes);

class AccountSettings {
 public:
  AccountSettings(store::Store& store, async::Core& control, const base::Clock& clock);

  // Loads what is there. Once, before anything else.
  async::Task<base::Status> open();

  Commitment commitment(const std::string& account_id, const std::string& region) const;
  // Begins or goes on; or ends, now or as soon as it may. Answers what holds then.
  async::Task<base::Result<Commitment>> commit(std::string account_id, std::string region,
                                               bool wanted);

 private:
  using Commitments = std::map<std::string, Commitment>;  // by the store's key

  async::Task<base::Result<Commitment>> commit_here(std::string key, bool wanted);

  store::Store& store_;
  async::Core& control_;
  const base::Clock& clock_;
  async::Mutex changing_;
  base::Snapshot<Commitments> commitments_;
};

}  // namespace streamlog

#pragma once

// Transfers: what is known of exports and of imports, kept for 90 days after their beginning.
// Each is AWS's own description of it, persisted as AWS's JSON (docs/formats/backups.md).
// Thread-safe; the store outlives it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/dynamodb/types.h"
#include "async/task.h"
#include "backups/backup.h"
#include "store/store.h"

namespace backups {

inline constexpr std::chrono::hours kTransferLife{24 * 90};

// Whether it has the form of a transfer's id, which is where a page of a list goes on.
bool is_transfer_id(std::string_view text);

// d::ExportDescription or d::ImportTableDescription.
template <class Description>
class Transfers {
 public:
  // `kind` of keys::one_of().
  Transfers(store::Store& store, char kind) : store_(store), kind_(kind) {}

  struct Page {
    std::vector<std::pair<std::string, Description>> entries;  // id and description, by id
    bool more = false;
  };

  // Adds it, or what became of it, to the batch.
  void put(const PartArn& arn, const Description& description, store::Batch& batch) const;
  async::Task<base::Status> save(PartArn arn, Description description);
  async::Task<base::Result<std::optional<Description>>> find(PartArn arn);
  // Of one table if `table_arn` is given; those above `after`.
  async::Task<base::Result<Page>> list(std::string account, std::string region,
                                       std::string table_arn, std::string after, std::size_t limit);
  // The newest with the token.
  async::Task<base::Result<std::optional<Description>>> find_token(std::string account,
                                                                   std::string region,
                                                                   std::string token);
  // What was under way when the server ended has failed; what is older than its life goes.
  async::Task<base::Status> open(base::Timestamp now);

 private:
  store::Store& store_;
  const char kind_;
};

extern template class Transfers<api::dynamodb::ExportDescription>;
extern template class Transfers<api::dynamodb::ImportTableDescription>;

}  // namespace backups

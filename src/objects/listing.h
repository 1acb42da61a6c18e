#pragma once

// Listing: names in order under a prefix, with everything up to a delimiter rolled into one common
// prefix: what ListObjects means. Each common prefix costs one seek, however many names are under
// it. Pure over the store; thread-safe.

#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "store/store.h"

namespace objects {

struct ListRequest {
  std::string prefix;
  std::string delimiter;  // empty: nothing is rolled up
  // Only what comes after this name; if it lies in a common prefix, only what comes after that.
  std::string after;
  std::size_t limit = 1000;  // names and common prefixes together
};

struct Names {
  std::vector<store::KeyValue> entries;  // keys without the space
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string last;  // the last name or common prefix here: the next request's `after`
};

// Lists the keys of the store that start with `space`. With `with_ids` each name ends in '\0' and
// an id, which prefix and delimiter do not reach.
async::Task<base::Result<Names>> list_names(store::Store& store, std::string space,
                                            ListRequest request, bool with_ids = false);

}  // namespace objects

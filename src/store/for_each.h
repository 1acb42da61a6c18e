#pragma once

// for_each: every entry under a prefix, page by page, in the order of the keys. For opening a
// domain and for other walks that want all of it; whoever serves a client pages for himself.
//
// A batch that is applied while the walk goes on may be seen or not. The first error of the store
// or of `take` ends the walk and is the answer.

#include <functional>
#include <string>
#include <utility>

#include "async/task.h"
#include "base/result.h"
#include "store/store.h"

namespace store {

async::Task<base::Status> for_each(Store& store, std::string prefix,
                                   std::function<base::Status(const KeyValue&)> take);

// The same for values that `decode` (std::string -> base::Result<T>) understands; `take` gets T.
template <class Decode, class Take>
async::Task<base::Status> for_each_decoded(Store& store, std::string prefix, Decode decode,
                                           Take take) {
  return for_each(store, std::move(prefix),
                  [decode = std::move(decode),
                   take = std::move(take)](const KeyValue& entry) mutable -> base::Status {
                    auto decoded = decode(entry.value);
                    if (!decoded) return std::unexpected(std::move(decoded).error());
                    take(*std::move(decoded));
                    return {};
                  });
}

}  // namespace store

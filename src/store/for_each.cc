#include "store/for_each.h"

namespace store {

async::Task<base::Status> for_each(Store& store, std::string prefix,
                                   std::function<base::Status(const KeyValue&)> take) {
  const std::string to = prefix_end(prefix);
  std::string from = std::move(prefix);
  for (;;) {
    const auto page = co_await store.scan(from, to);
    if (!page) co_return std::unexpected(page.error());
    if (page->empty()) co_return base::Status();
    for (const KeyValue& entry : *page) {
      const base::Status taken = take(entry);
      if (!taken) co_return taken;
    }
    from = page->back().key + '\0';
  }
}

}  // namespace store

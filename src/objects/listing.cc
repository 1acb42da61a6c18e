#include "objects/listing.h"

#include <algorithm>

namespace objects {
namespace {

// With a delimiter, most of a long page may be under one common prefix.
constexpr std::size_t kRolledPage = 64;

// The common prefix that `name` is rolled into; empty: none.
std::string roll(const ListRequest& request, std::string_view name) {
  if (request.delimiter.empty() || !name.starts_with(request.prefix)) return {};
  const std::size_t at = name.find(request.delimiter, request.prefix.size());
  if (at == std::string_view::npos) return {};
  return std::string(name.substr(0, at + request.delimiter.size()));
}

std::string_view without_id(std::string_view name) { return name.substr(0, name.rfind('\0')); }

// The first name that may be listed.
std::string first_name(const ListRequest& request, bool with_ids) {
  if (request.after.empty() || request.after < request.prefix) return request.prefix;
  const std::string_view marker =
      with_ids ? without_id(request.after) : std::string_view(request.after);
  const std::string rolled = roll(request, marker);
  return rolled.empty() ? request.after + '\0' : store::prefix_end(rolled);
}

}  // namespace

async::Task<base::Result<Names>> list_names(store::Store& store, std::string space,
                                            ListRequest request, bool with_ids) {
  Names names;
  if (request.limit == 0) co_return names;
  const std::string to = store::prefix_end(space + request.prefix);
  std::string from = first_name(request, with_ids);
  std::size_t count = 0;
  while (space + from < to) {
    const std::size_t wanted = request.limit - count + 1;
    const store::ScanOptions options{
        .limit = request.delimiter.empty() ? wanted : std::min(wanted, kRolledPage)};
    auto page = co_await store.scan(space + from, to, options);
    if (!page) co_return std::unexpected(page.error());
    if (page->empty()) break;
    for (store::KeyValue& entry : *page) {
      std::string name = entry.key.substr(space.size());
      if (name < from) continue;  // in the common prefix just listed
      if (count == request.limit) {
        names.truncated = true;
        co_return names;
      }
      ++count;
      std::string rolled = roll(request, with_ids ? without_id(name) : std::string_view(name));
      if (rolled.empty()) {
        from = name + '\0';
        names.last = name;
        names.entries.push_back({std::move(name), std::move(entry.value)});
      } else {
        from = store::prefix_end(rolled);
        names.last = rolled;
        names.prefixes.push_back(std::move(rolled));
      }
    }
  }
  co_return names;
}

}  // namespace objects

#include "wire/registry.h"

namespace wire {

void Registry::insert(std::unique_ptr<Endpoint> endpoint) {
  const api::Operation& operation = endpoint->operation();
  const bool inserted = endpoints_.emplace(&operation, std::move(endpoint)).second;
  CHECK(inserted);
}

const Endpoint* Registry::find(const api::Operation& operation) const {
  const auto endpoint = endpoints_.find(&operation);
  return endpoint == endpoints_.end() ? nullptr : endpoint->second.get();
}

void Registry::add_service(const api::Service& service,
                           std::span<const api::Operation* const> operations) {
  services_.push_back({&service, operations});
}

}  // namespace wire

#include "wire/registry.h"

namespace wire {

void Registry::insert(std::unique_ptr<Endpoint> endpoint) {
  const api::Operation& operation = endpoint->operation();
  auto& service = endpoints_[std::string(operation.service->name)];
  const bool inserted = service.emplace(operation.name, std::move(endpoint)).second;
  CHECK(inserted);
}

const Endpoint* Registry::find(std::string_view service, std::string_view operation) const {
  const auto entry = endpoints_.find(service);
  if (entry == endpoints_.end()) return nullptr;
  const auto endpoint = entry->second.find(operation);
  return endpoint == entry->second.end() ? nullptr : endpoint->second.get();
}

void Registry::add_service(const api::Service& service,
                           std::span<const api::Operation* const> operations) {
  services_.push_back({&service, operations});
}

}  // namespace wire

#include "wire/route.h"

#include <algorithm>

namespace wire {
namespace {

bool content_type_is(const HttpRequest& request, std::string_view wanted) {
  const std::string* const type = request.find("content-type");
  return type != nullptr && std::string_view(*type).starts_with(wanted);
}

// "/2015-03-31/functions/..": the dated paths of REST-JSON services.
bool has_dated_path(std::string_view path) {
  if (path.size() < 12 || path[0] != '/' || path[5] != '-' || path[8] != '-' || path[11] != '/')
    return false;
  return path[1] == '2' && path[2] == '0';
}

const std::string* find_action(const Form& form) {
  const auto action = form.find("Action");
  return action == form.end() ? nullptr : &action->second;
}

}  // namespace

std::string_view bucket_of_host(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']') == std::string_view::npos)
    host = host.substr(0, colon);
  for (std::string_view suffix : {".s3.localhost", ".localhost"}) {
    if (!host.ends_with(suffix)) continue;
    const std::string_view label = host.substr(0, host.size() - suffix.size());
    return label == "s3" ? std::string_view() : label;
  }
  if (!host.ends_with(".amazonaws.com")) return {};
  // BUCKET.s3.amazonaws.com, BUCKET.s3.REGION..., BUCKET.s3-REGION...; a bucket may hold dots.
  for (std::string_view middle : {".s3.", ".s3-"}) {
    const std::size_t at = host.find(middle);
    if (at != std::string_view::npos) return host.substr(0, at);
  }
  return {};
}

Router::Router(const Registry& registry) {
  for (const auto& known : registry.services()) {
    Entry entry{.service = known.service, .operations = {}, .rest = {}};
    for (const api::Operation* operation : known.operations)
      entry.operations.emplace(operation->name, operation);
    const bool rest = known.service->protocol == api::Protocol::kRestJson ||
                      known.service->protocol == api::Protocol::kRestXml;
    if (rest) entry.rest.emplace(known.operations);
    entries_.push_back(std::move(entry));
  }
}

const Router::Entry* Router::by_name(std::string_view name) const {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& e) { return e.service->name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

const Router::Entry* Router::by_signing_name(std::string_view name) const {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& e) { return e.service->signing_name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

const Router::Entry* Router::by_target(std::string_view prefix) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& e) {
    return !e.service->target.empty() && e.service->target == prefix;
  });
  return found == entries_.end() ? nullptr : &*found;
}

// "kinesis.us-east-1.amazonaws.com". JSON services only: the others know themselves by other signs.
const Router::Entry* Router::by_host(const HttpRequest& request) const {
  const std::string* const header = request.find("host");
  if (header == nullptr) return nullptr;
  std::string_view host = *header;
  host = host.substr(0, host.rfind(':'));
  if (!host.ends_with(".amazonaws.com")) return nullptr;
  const Entry* const entry = by_signing_name(host.substr(0, host.find('.')));
  return entry != nullptr && entry->service->protocol == api::Protocol::kJson ? entry : nullptr;
}

Route Router::json_route(const HttpRequest& request, std::string_view target) const {
  const std::size_t dot = target.rfind('.');
  Route route;
  route.encoding =
      content_type_is(request, "application/x-amz-cbor-1.1") ? Encoding::kCbor11 : Encoding::kJson;
  if (dot == std::string_view::npos) return route;
  route.operation_name = target.substr(dot + 1);
  const Entry* const entry = by_target(target.substr(0, dot));
  if (entry == nullptr) return route;
  route.service = entry->service;
  const auto operation = entry->operations.find(route.operation_name);
  if (operation != entry->operations.end()) route.operation = operation->second;
  return route;
}

// POST /service/NAME/operation/OPERATION with "smithy-protocol: rpc-v2-cbor".
std::optional<Route> Router::rpc_route(const HttpRequest& request) const {
  const std::string* const protocol = request.find("smithy-protocol");
  if (protocol == nullptr || *protocol != "rpc-v2-cbor") return std::nullopt;
  std::string_view path = request.path;
  const std::size_t at = path.find("/service/");
  const std::size_t middle = path.find("/operation/");
  if (at == std::string_view::npos || middle == std::string_view::npos || middle < at + 9)
    return std::nullopt;
  const std::string_view name = path.substr(at + 9, middle - at - 9);
  std::string target(name);
  Route route = json_route(request, target + "." + std::string(path.substr(middle + 11)));
  route.encoding = Encoding::kRpcV2Cbor;
  return route;
}

api::Outcome<Route> Router::query_route(const HttpRequest& request, const Entry& entry) const {
  if (request.find("content-encoding") != nullptr) {
    // Compressed: nobody knows what is meant until it is inflated, which the sender has to be known
    // for.
    Route route;
    route.service = entry.service;
    route.encoding = Encoding::kQuery;
    return route;
  }
  auto form = parse_form(request.method == "POST" && !request.body.empty()
                             ? std::string_view(request.body)
                             : std::string_view(request.query));
  if (!form) return std::unexpected(form.error());
  Route route;
  route.service = entry.service;
  route.encoding = Encoding::kQuery;
  if (const std::string* const action = find_action(*form)) {
    route.operation_name = *action;
    const auto operation = entry.operations.find(*action);
    if (operation != entry.operations.end()) route.operation = operation->second;
  }
  route.form = *std::move(form);
  return route;
}

Route Router::rest_route(const HttpRequest& request, const Entry& entry) const {
  Route route;
  route.service = entry.service;
  const bool xml = entry.service->protocol == api::Protocol::kRestXml;
  route.encoding = xml ? Encoding::kRestXml : Encoding::kRestJson;
  const std::string* const host = xml ? request.find("host") : nullptr;
  const std::string_view bucket = host != nullptr ? bucket_of_host(*host) : std::string_view();
  std::optional<RestMatch> match;
  if (bucket.empty()) {
    match = entry.rest->find(request);
  } else {
    HttpRequest path_style{.method = request.method,
                           .path = "/" + std::string(bucket) + request.path,
                           .query = request.query,
                           .headers = request.headers,
                           .body = {},
                           .peer_address = {}};
    match = entry.rest->find(path_style);
  }
  if (!match) return route;
  route.operation = match->operation;
  route.operation_name = match->operation->name;
  route.labels = std::move(match->labels);
  return route;
}

api::Outcome<Route> Router::find(const HttpRequest& request,
                                 const auth::ParsedSignature* signature) const {
  if (const std::string* const target = request.find("x-amz-target")) {
    Route route = json_route(request, *target);
    if (route.service != nullptr) return route;
    // A target that nobody knows: whoever was meant by other signs says so.
    const Entry* meant = signature != nullptr ? by_signing_name(signature->service) : nullptr;
    if (meant == nullptr) meant = by_host(request);
    if (meant != nullptr && meant->service->protocol == api::Protocol::kJson)
      route.service = meant->service;
    return route;
  }
  if (auto route = rpc_route(request)) return *std::move(route);

  const Entry* entry = signature != nullptr ? by_signing_name(signature->service) : nullptr;
  if (signature != nullptr && entry == nullptr) return Route();
  if (entry == nullptr) entry = by_host(request);
  const bool form = content_type_is(request, "application/x-www-form-urlencoded");
  if (entry == nullptr && has_dated_path(request.path)) entry = by_name("lambda");
  if (entry == nullptr && form) {
    // Unsigned, so it is refused in any case; the version tells in whose words.
    const auto parsed = parse_form(request.body);
    for (const Entry& candidate : entries_) {
      if (!parsed || candidate.service->protocol != api::Protocol::kQuery) continue;
      const auto version = parsed->find("Version");
      if (version != parsed->end() && version->second == candidate.service->version)
        entry = &candidate;
    }
  }
  if (entry == nullptr) entry = by_name("s3");
  if (entry == nullptr) return Route();
  switch (entry->service->protocol) {
    case api::Protocol::kQuery: return query_route(request, *entry);
    case api::Protocol::kJson: {
      Route route;
      route.service = entry->service;
      return route;
    }
    default: return rest_route(request, *entry);
  }
}

}  // namespace wire

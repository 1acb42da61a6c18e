// UriPattern and RestRouter of rest_codec.h.

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "wire/query_codec.h"
#include "wire/rest_codec.h"

namespace wire {
namespace {

// Sub-resources of S3, served or not: a request that names one never falls back to the operation
// on the bucket or object itself.
constexpr std::array<std::string_view, 36> kS3SubResources = {"abac",
                                                              "accelerate",
                                                              "acl",
                                                              "analytics",
                                                              "attributes",
                                                              "cors",
                                                              "delete",
                                                              "encryption",
                                                              "intelligent-tiering",
                                                              "inventory",
                                                              "legal-hold",
                                                              "lifecycle",
                                                              "location",
                                                              "logging",
                                                              "metadataConfiguration",
                                                              "metadataTable",
                                                              "metrics",
                                                              "notification",
                                                              "object-lock",
                                                              "ownershipControls",
                                                              "policy",
                                                              "policyStatus",
                                                              "publicAccessBlock",
                                                              "renameObject",
                                                              "replication",
                                                              "requestPayment",
                                                              "restore",
                                                              "retention",
                                                              "select",
                                                              "session",
                                                              "tagging",
                                                              "torrent",
                                                              "uploads",
                                                              "versioning",
                                                              "versions",
                                                              "website"};

constexpr int kLiteralRank = 4;
constexpr int kLabelRank = 2;
constexpr int kGreedyRank = 1;

struct QueryPart {
  std::string name;
  std::string value;
};

std::vector<QueryPart> split_query(std::string_view query) {
  std::vector<QueryPart> parts;
  while (!query.empty() && parts.size() < kQueryParametersMax) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
    parts.push_back(
        {base::uri_decode(part.substr(0, equals), true), base::uri_decode(value, true)});
  }
  return parts;
}

bool has_literal(const std::vector<QueryPart>& query, const UriPattern::QueryLiteral& literal) {
  return std::ranges::any_of(query, [&](const QueryPart& part) {
    return part.name == literal.name && (!literal.value || part.value == *literal.value);
  });
}

bool has_name(const std::vector<QueryPart>& query, std::string_view name) {
  return std::ranges::any_of(query, [&](const QueryPart& part) { return part.name == name; });
}

bool is_present(const api::Member& member, const HttpRequest& request,
                const std::vector<QueryPart>& query) {
  if (member.location == api::Location::kHeader) return request.find(member.wire_name) != nullptr;
  return has_name(query, member.wire_name);
}

// The path and literals of an operation's URI, without the labels' names.
std::string form_of(const api::Operation& operation) {
  std::string form(operation.method);
  bool label = false;
  for (const char c : operation.uri) {
    if (c == '}') label = false;
    if (!label || c == '+') form += c;
    if (c == '{') label = true;
  }
  return form;
}

std::vector<const api::Member*> required_members(const api::Operation& operation) {
  std::vector<const api::Member*> required;
  for (const api::Member& member : operation.input->members) {
    const bool seen =
        member.location == api::Location::kHeader || member.location == api::Location::kQuery;
    if (member.required && seen) required.push_back(&member);
  }
  return required;
}

}  // namespace

UriPattern::UriPattern(std::string_view uri) {
  const std::size_t question = uri.find('?');
  if (question != std::string_view::npos) {
    const std::string_view query = uri.substr(question + 1);
    for (const QueryPart& part : split_query(query)) {
      const bool valued = query.find(part.name + "=") != std::string_view::npos;
      literals_.push_back({part.name, valued ? std::optional(part.value) : std::nullopt});
    }
  }
  std::string_view path = uri.substr(0, question);
  while (!path.empty()) {
    path.remove_prefix(1);  // '/'
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    if (part.empty()) continue;
    const bool label = part.starts_with('{');
    const bool greedy = part.ends_with("+}");
    const std::string_view name = label ? part.substr(1, part.size() - (greedy ? 3 : 2)) : part;
    segments_.push_back({std::string(name), label, greedy});
    specificity_ += greedy ? kGreedyRank : label ? kLabelRank : kLiteralRank;
  }
}

std::optional<PathLabels> UriPattern::match_path(std::string_view path) const {
  PathLabels labels;
  for (const Segment& segment : segments_) {
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
    const std::string_view part = segment.greedy ? path : path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    if (part.empty()) return std::nullopt;
    if (segment.label) labels.insert_or_assign(segment.text, base::uri_decode(part));
    else if (part != segment.text) return std::nullopt;
  }
  if (!path.empty() && path != "/") return std::nullopt;
  return labels;
}

RestRouter::RestRouter(std::span<const api::Operation* const> operations) {
  std::map<std::string, int> shared;
  for (const api::Operation* operation : operations) ++shared[form_of(*operation)];
  for (const api::Operation* operation : operations) {
    // What an operation requires only matters where another has the same method and URI; elsewhere
    // a missing member is for the validator to say.
    const bool alone = shared[form_of(*operation)] == 1;
    routes_.push_back({UriPattern(operation->uri), operation,
                       alone ? std::vector<const api::Member*>() : required_members(*operation)});
  }
}

std::optional<RestMatch> RestRouter::find(const HttpRequest& request) const {
  const std::vector<QueryPart> query = split_query(request.query);
  struct Rank {
    std::size_t literals = 0;
    std::size_t required = 0;
    int specificity = -1;
    auto operator<=>(const Rank&) const = default;
  };
  Rank best;
  std::optional<RestMatch> found;
  for (const Route& route : routes_) {
    if (route.operation->method != request.method) continue;
    const Rank rank{route.pattern.query_literals().size(), route.required.size(),
                    route.pattern.specificity()};
    if (found && rank <= best) continue;
    const bool fits =
        std::ranges::all_of(route.pattern.query_literals(),
                            [&](const auto& literal) { return has_literal(query, literal); }) &&
        std::ranges::all_of(route.required, [&](const api::Member* member) {
          return is_present(*member, request, query);
        });
    if (!fits) continue;
    auto labels = route.pattern.match_path(request.path);
    if (!labels) continue;
    best = rank;
    found = RestMatch{route.operation, *std::move(labels)};
  }
  if (!found || found->operation->service->protocol != api::Protocol::kRestXml) return found;
  const bool other =
      best.literals == 0 && std::ranges::any_of(kS3SubResources, [&](std::string_view name) {
        return has_name(query, name);
      });
  return other ? std::nullopt : found;
}

}  // namespace wire

#pragma once

// Which service and operation an HTTP request means, and in which encoding it speaks. A Router is
// immutable once made and thread-safe; it needs the registry's list of services to be complete.
//
// What tells: X-Amz-Target (JSON), smithy-protocol (RPC v2 CBOR), Action (Query), else method and
// path of a REST service; the signature's scope says which service, or a host name of AWS's that
// begins with a JSON service's, and an unsigned request is looked at more closely. What nobody
// claims is S3's. What a compressed body of the Query protocol asks for is not known until it was
// inflated, and then asked again.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/shape.h"
#include "auth/sigv4.h"
#include "wire/http_types.h"
#include "wire/query_codec.h"
#include "wire/registry.h"
#include "wire/rest_codec.h"

namespace wire {

enum class Encoding { kJson, kCbor11, kRpcV2Cbor, kQuery, kRestJson, kRestXml };

struct Route {
  const api::Service* service = nullptr;      // nullptr: no service of ours
  const api::Operation* operation = nullptr;  // nullptr: no operation of that service
  std::string operation_name;                 // as asked for
  Encoding encoding = Encoding::kJson;
  PathLabels labels;  // REST
  Form form;          // Query
};

class Router {
 public:
  explicit Router(const Registry& registry);

  // `signature` is nullptr for unsigned requests.
  api::Outcome<Route> find(const HttpRequest& request,
                           const auth::ParsedSignature* signature) const;

 private:
  struct Entry {
    const api::Service* service;
    std::unordered_map<std::string_view, const api::Operation*> operations;
    std::optional<RestRouter> rest;
  };
  const Entry* by_name(std::string_view name) const;
  const Entry* by_signing_name(std::string_view name) const;
  const Entry* by_target(std::string_view prefix) const;
  const Entry* by_host(const HttpRequest& request) const;

  Route json_route(const HttpRequest& request, std::string_view target) const;
  std::optional<Route> rpc_route(const HttpRequest& request) const;
  api::Outcome<Route> query_route(const HttpRequest& request, const Entry& entry) const;
  Route rest_route(const HttpRequest& request, const Entry& entry) const;

  std::vector<Entry> entries_;
};

// The bucket of a virtual-host style request ("BUCKET.s3.us-east-1.amazonaws.com",
// "BUCKET.localhost:4566"); empty for path style.
std::string_view bucket_of_host(std::string_view host);

}  // namespace wire

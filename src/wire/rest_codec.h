#pragma once

// What REST-JSON and REST-XML have in common: which operation a method and path mean, and how an
// operation's members are bound to path, query, headers, status and body. UriPattern and
// RestRouter are immutable once made; all else is pure functions. Thread-safe.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/error.h"
#include "api/shape.h"
#include "wire/http_types.h"

namespace wire {

// Values of a path's labels, decoded.
using PathLabels = std::map<std::string, std::string, std::less<>>;

// "/2015-03-31/functions/{FunctionName}/code?list=1": labels take one segment, a greedy label
// {Key+} the rest, slashes included. Literal query parts must be there, with that value if any.
class UriPattern {
 public:
  explicit UriPattern(std::string_view uri);

  struct QueryLiteral {
    std::string name;
    std::optional<std::string> value;
  };
  // `path` as sent, still escaped. nullopt: no match.
  std::optional<PathLabels> match_path(std::string_view path) const;
  const std::vector<QueryLiteral>& query_literals() const { return literals_; }
  // Literal segments rank above labels, labels above greedy ones.
  int specificity() const { return specificity_; }

 private:
  struct Segment {
    std::string text;  // the literal, or the label's name
    bool label = false;
    bool greedy = false;
  };
  std::vector<Segment> segments_;
  std::vector<QueryLiteral> literals_;
  int specificity_ = 0;
};

struct RestMatch {
  const api::Operation* operation = nullptr;
  PathLabels labels;
};

// Chooses among a service's operations by method, path, and what must stand in query or headers.
// More query literals win over fewer; S3's operations that share a path are told apart by the
// headers and parameters that they require (x-amz-copy-source, uploadId, partNumber).
class RestRouter {
 public:
  explicit RestRouter(std::span<const api::Operation* const> operations);

  std::optional<RestMatch> find(const HttpRequest& request) const;

 private:
  struct Route {
    UriPattern pattern;
    const api::Operation* operation;
    std::vector<const api::Member*> required;  // query and header members
  };
  std::vector<Route> routes_;
};

// Fills `*input` from labels, query, headers and body. For aws-chunked bodies hand in the request
// with the decoded body.
api::Outcome<void> decode_rest(const HttpRequest& request, const PathLabels& labels,
                               const api::Operation& operation, void* input);

// Status, headers and body of an answer; the dispatcher adds request ids.
HttpResponse encode_rest(const api::Operation& operation, const void* output);

}  // namespace wire

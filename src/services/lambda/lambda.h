#pragma once

// The Lambda API over functions and mapping: typed request, domain call, typed answer. One per
// server, immutable after construction, thread-safe. The operations stand by family:
//   functions.cc  code.cc  invoke.cc  versions.cc  permissions.cc  settings.cc  mappings.cc

#include <memory>
#include <optional>
#include <string>

#include "api/error.h"
#include "api/lambda/operations.h"
#include "base/clock.h"
#include "base/random.h"
#include "functions/event_queue.h"
#include "functions/invoker.h"
#include "mapping/mappings.h"
#include "wire/registry.h"

namespace services::lambda {

// Where packages in buckets come from, read with the caller's rights; server/ implements it.
class CodeSource {
 public:
  virtual ~CodeSource() = default;
  // Errors are S3's own (NoSuchBucket, NoSuchKey, AccessDenied).
  virtual async::Task<api::Outcome<std::string>> fetch(const wire::Context& context,
                                                       std::string bucket, std::string key,
                                                       std::string version) = 0;
};

struct Deps {
  functions::Catalogue& catalogue;
  functions::CodeStore& code;
  functions::Invoker& invoker;
  functions::EventQueue& events;
  functions::Credentials& credentials;
  mapping::Mappings& mappings;
  CodeSource& packages;
  const base::Clock& clock;
  base::Random& random;
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

}  // namespace services::lambda

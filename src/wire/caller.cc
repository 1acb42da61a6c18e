#include "wire/caller.h"

#include "auth/denial.h"
#include "wire/validate.h"

namespace wire {

auth::ErrorFamily family_of(const api::Service& service) {
  switch (service.protocol) {
    case api::Protocol::kJson: return auth::ErrorFamily::kJson;
    case api::Protocol::kRestJson: return auth::ErrorFamily::kRestJson;
    case api::Protocol::kQuery: return auth::ErrorFamily::kQuery;
    case api::Protocol::kRestXml: return auth::ErrorFamily::kS3;
  }
  return auth::ErrorFamily::kJson;
}

api::Error unknown_operation(const api::Service& service, std::string_view operation) {
  switch (service.protocol) {
    case api::Protocol::kQuery:
      return {.code = "InvalidAction",
              .status = 400,
              .message = "Could not find operation " + std::string(operation) + " for version " +
                         std::string(service.version)};
    case api::Protocol::kRestXml:
      return {.code = "NotImplemented",
              .status = 501,
              .message = "A header you provided implies functionality that is not implemented"};
    default: return {.code = "UnknownOperationException", .status = 400, .message = {}};
  }
}

async::Task<api::Outcome<Reply>> execute(const Endpoint& endpoint,
                                         const auth::Authorizer& authorizer, const Context& context,
                                         void* input) {
  const api::Operation& operation = endpoint.operation();
  auto invalid = validate(*operation.input, input, *operation.service);
  if (invalid) co_return std::unexpected(*std::move(invalid));

  auto checks = endpoint.permission(context, input);
  if (!checks) checks = co_await endpoint.look_up_permission(context, input);
  if (!*checks) co_return std::unexpected(std::move(*checks).error());
  const auto allowed = authorizer.authorize(*context.principal, **checks, context.facts);
  if (!allowed)
    co_return std::unexpected(auth::to_api_error(allowed.error(), family_of(*operation.service)));

  auto reply = co_await endpoint.run(context, input);
  co_return reply;
}

async::Task<api::Outcome<Reply>> Caller::run(const api::Operation& operation,
                                             const Context& context, void* input) const {
  const Endpoint* const endpoint = registry_.find(operation);
  if (endpoint == nullptr)
    co_return std::unexpected(unknown_operation(*operation.service, operation.name));
  auto reply = co_await execute(*endpoint, authorizer_, context, input);
  if (reply && reply->body)
    co_return std::unexpected(unknown_operation(*operation.service, operation.name));
  if (reply) reply->complete();
  co_return reply;
}

}  // namespace wire

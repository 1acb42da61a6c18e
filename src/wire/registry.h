#pragma once

// Registry: every operation that Millrace serves, each with the permission it asks for and its
// handler. A service fills it once, at start; afterwards it is read from every core.
//
//   registry.add<api::kinesis::op::PutRecord>(
//       [](const Context& context, const Input& input) { return checks...; },
//       [&](const Context& context, Input input) -> Task<Outcome<Output>> { ... });
//
// The permission comes first and has no default: an operation without one does not compile. One
// that anybody with valid credentials may call says so with `no_permission()`.
//
// Where the body is made while it is sent (events, large blobs) it is add_streamed(), and the
// handler answers a Streamed: a head, and a StreamedBody that outlives the call and its context.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "api/error.h"
#include "api/shape.h"
#include "async/task.h"
#include "auth/authorizer.h"
#include "base/check.h"
#include "wire/context.h"
#include "wire/http_types.h"
#include "wire/packing.h"

namespace wire {

using Checks = std::vector<auth::Check>;
// An initializer list would copy it.
inline Checks one_check(auth::Check check) {
  Checks checks;
  checks.push_back(std::move(check));
  return checks;
}

// What the caller must be allowed. Made from a function of (context, input) that answers Checks,
// Outcome<Checks>, or a Task of Outcome<Checks> where the resource has to be looked up first.
template <class Input>
class Permission {
 public:
  using Answer = api::Outcome<Checks>;

  template <class F>
    requires std::is_invocable_v<F, const Context&, const Input&>
  Permission(F function) {  // NOLINT: a lambda is a permission
    using R = std::invoke_result_t<F, const Context&, const Input&>;
    if constexpr (std::is_same_v<R, async::Task<Answer>>) {
      later_ = std::move(function);
    } else {
      now_ = [f = std::move(function)](const Context& context, const Input& input) -> Answer {
        return f(context, input);
      };
    }
  }

  // nullopt: ask look_up().
  std::optional<Answer> checks(const Context& context, const Input& input) const {
    if (!now_) return std::nullopt;
    return now_(context, input);
  }
  async::Task<Answer> look_up(const Context& context, const Input& input) const {
    return later_(context, input);
  }

 private:
  std::function<Answer(const Context&, const Input&)> now_;
  std::function<async::Task<Answer>(const Context&, const Input&)> later_;
};

// For operations that any authenticated caller may use (sts:GetCallerIdentity).
struct NoPermission {
  template <class Input>
  Checks operator()(const Context&, const Input&) const {
    return {};
  }
};
inline NoPermission no_permission() { return {}; }

// The output without its streamed member, and that member's bytes as they come: events (see
// event_writer.h) or a blob's own. The body holds by itself what it needs, and gives it back when
// it dies, run or not.
template <class Output>
struct Streamed {
  Output head;
  StreamedBody body;
  base::SteadyTime patient_until{};  // HttpResponse's
};

// A member of an output that is ready in another form: a page of items becomes JSON as it was
// stored. It holds by itself what it needs. For JSON services only.
class ReadyMember {
 public:
  explicit ReadyMember(std::string_view name) : name_(name) {}
  ReadyMember(const ReadyMember&) = delete;
  ReadyMember& operator=(const ReadyMember&) = delete;
  virtual ~ReadyMember() = default;

  std::string_view name() const { return name_; }  // "Items"
  // Appends the member's value.
  virtual void append_json(std::string& out) const = 0;
  // Makes the member of it in `output`, the operation's Output, for who reads that.
  virtual void complete(void* output) const = 0;

 private:
  const std::string_view name_;
};

// The output without that member. nullptr: it is whole.
template <class Output>
struct Prepared {
  Output head;
  std::unique_ptr<const ReadyMember> member = nullptr;
};

// What an operation answered, with its type erased.
struct Reply {
  std::shared_ptr<void> output;
  StreamedBody body;  // empty unless the operation is a streamed one
  base::SteadyTime patient_until{};
  std::unique_ptr<const ReadyMember> member = nullptr;  // of a Prepared

  const void* get() const { return output.get(); }
  // Afterwards `output` is whole.
  void complete() {
    if (const auto ready = std::exchange(member, nullptr)) ready->complete(output.get());
  }
};

// An operation with its types erased: what the dispatcher and the Caller run.
class Endpoint {
 public:
  explicit Endpoint(const api::Operation& operation) : operation_(operation) {}
  virtual ~Endpoint() = default;

  const api::Operation& operation() const { return operation_; }
  virtual std::shared_ptr<void> make_input() const = 0;
  // nullopt: it has to be looked up first, by look_up_permission().
  virtual std::optional<api::Outcome<Checks>> permission(const Context& context,
                                                         const void* input) const = 0;
  virtual async::Task<api::Outcome<Checks>> look_up_permission(const Context& context,
                                                               const void* input) const = 0;
  // Consumes *input; answers the operation's Output.
  virtual async::Task<api::Outcome<Reply>> run(const Context& context, void* input) const = 0;

 private:
  const api::Operation& operation_;
};

class Registry {
 public:
  template <class Op>
  using Handler = std::function<async::Task<api::Outcome<typename Op::Output>>(const Context&,
                                                                               typename Op::Input)>;

  template <class Op>
  using StreamHandler = std::function<async::Task<api::Outcome<Streamed<typename Op::Output>>>(
      const Context&, typename Op::Input)>;

  template <class Op>
  using PreparedHandler = std::function<async::Task<api::Outcome<Prepared<typename Op::Output>>>(
      const Context&, typename Op::Input)>;

  // One of these, once for each operation.
  template <class Op>
  void add(Permission<typename Op::Input> permission, Handler<Op> handler);
  template <class Op>
  void add_streamed(Permission<typename Op::Input> permission, StreamHandler<Op> handler);
  template <class Op>
  void add_prepared(Permission<typename Op::Input> permission, PreparedHandler<Op> handler);

  // At most once.
  void add_json_packing(const JsonPacking& packing) { json_packing_ = packing; }
  const JsonPacking& json_packing() const { return json_packing_; }

  // nullptr: not served.
  const Endpoint* find(const api::Operation& operation) const;

  // The services known here, served or not, so that requests for them can be recognised.
  void add_service(const api::Service& service, std::span<const api::Operation* const> operations);
  struct ServiceEntry {
    const api::Service* service;
    std::span<const api::Operation* const> operations;
  };
  const std::vector<ServiceEntry>& services() const { return services_; }

 private:
  void insert(std::unique_ptr<Endpoint> endpoint);

  // Each operation is described in one place only.
  std::unordered_map<const api::Operation*, std::unique_ptr<Endpoint>> endpoints_;
  std::vector<ServiceEntry> services_;
  JsonPacking json_packing_;
};

namespace detail {

template <class Op, class Handler>
class TypedEndpoint final : public Endpoint {
 public:
  using Input = typename Op::Input;
  using Output = typename Op::Output;

  TypedEndpoint(Permission<Input> permission, Handler handler)
      : Endpoint(Op::info()), permission_(std::move(permission)), handler_(std::move(handler)) {}

  std::shared_ptr<void> make_input() const override { return std::make_shared<Input>(); }

  std::optional<api::Outcome<Checks>> permission(const Context& context,
                                                 const void* input) const override {
    return permission_.checks(context, *static_cast<const Input*>(input));
  }
  async::Task<api::Outcome<Checks>> look_up_permission(const Context& context,
                                                       const void* input) const override {
    return permission_.look_up(context, *static_cast<const Input*>(input));
  }

  async::Task<api::Outcome<Reply>> run(const Context& context, void* input) const override {
    auto output = co_await handler_(context, std::move(*static_cast<Input*>(input)));
    if (!output) co_return std::unexpected(std::move(output).error());
    co_return reply(*std::move(output));
  }

 private:
  static Reply reply(Output output) {
    return {.output = std::make_shared<Output>(std::move(output)), .body = {}};
  }
  static Reply reply(Streamed<Output> streamed) {
    return {.output = std::make_shared<Output>(std::move(streamed.head)),
            .body = std::move(streamed.body),
            .patient_until = streamed.patient_until};
  }
  static Reply reply(Prepared<Output> prepared) {
    return {.output = std::make_shared<Output>(std::move(prepared.head)),
            .body = {},
            .member = std::move(prepared.member)};
  }

  Permission<Input> permission_;
  Handler handler_;
};

}  // namespace detail

template <class Op>
void Registry::add(Permission<typename Op::Input> permission, Handler<Op> handler) {
  insert(std::make_unique<detail::TypedEndpoint<Op, Handler<Op>>>(std::move(permission),
                                                                  std::move(handler)));
}

template <class Op>
void Registry::add_streamed(Permission<typename Op::Input> permission, StreamHandler<Op> handler) {
  insert(std::make_unique<detail::TypedEndpoint<Op, StreamHandler<Op>>>(std::move(permission),
                                                                        std::move(handler)));
}

template <class Op>
void Registry::add_prepared(Permission<typename Op::Input> permission,
                            PreparedHandler<Op> handler) {
  insert(std::make_unique<detail::TypedEndpoint<Op, PreparedHandler<Op>>>(std::move(permission),
                                                                          std::move(handler)));
}

}  // namespace wire

#pragma once

// What CloudWatch shows of tables, by AWS's names, and the registry that sees to it: operations on
// items that are added through Measured are counted when they have ended. Capacity is worked out
// for every call, and shown to the caller where it was asked for. Thread-safe. Internal.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/dynamodb/operations.h"
#include "services/dynamodb/dynamodb.h"

namespace services::dynamodb {

class Figures {
 public:
  struct Call {
    const wire::Context& context;
    std::string_view operation;
    base::SteadyTime began;
    bool writes = false;
  };
  using Capacity = api::dynamodb::ConsumedCapacity;

  explicit Figures(const Deps& deps) : deps_(deps) {}

  // The table that a statement of PartiQL is about, and whether it writes.
  struct Target {
    std::string table;
    bool writes = false;
  };
  static Target target_of(const std::string& statement);

  void succeeded(const Call& call, const Capacity& capacity,
                 std::optional<std::int32_t> items) const;
  // `table`: as the request named it; empty: it names several.
  void failed(const Call& call, const std::string& table, const api::Error& error) const;

 private:
  const Deps& deps_;
};

class Measured {
 public:
  Measured(wire::Registry& registry, const Deps& deps) : registry_(registry), deps_(deps) {}

  template <class Op, class Permission, class Handler>
  void add(Permission permission, Handler handler) {
    registry_.add<Op>(std::move(permission),
                      [&deps = deps_, handler = wire::Registry::Handler<Op>(std::move(handler))](
                          const wire::Context& context, typename Op::Input&& input) {
                        return run<Op>(deps, handler, context, std::move(input));
                      });
  }
  template <class Op, class Permission, class Handler>
  void add_prepared(Permission permission, Handler handler) {
    registry_.add_prepared<Op>(
        std::move(permission),
        [&deps = deps_, handler = wire::Registry::PreparedHandler<Op>(std::move(handler))](
            const wire::Context& context, typename Op::Input&& input) {
          return run<Op>(deps, handler, context, std::move(input));
        });
  }

 private:
  template <class Output>
  static Output& head_of(Output& output) {
    return output;
  }
  template <class Output>
  static Output& head_of(wire::Prepared<Output>& prepared) {
    return prepared.head;
  }

  template <class Op, class Handler>
  static std::invoke_result_t<Handler, const wire::Context&, typename Op::Input> run(
      const Deps& deps, const Handler& handler, const wire::Context& context,
      typename Op::Input input) {
    auto [table, writes] = target_of<Op>(input);
    const Figures::Call call{.context = context,
                             .operation = Op::info().name,
                             .began = deps.clock.steady_now(),
                             .writes = writes};
    const bool shown = input.return_consumed_capacity.value_or("NONE") != "NONE";
    if (!shown) input.return_consumed_capacity = "TOTAL";
    auto output = co_await handler(context, std::move(input));
    if (!output) {
      if (deps.recorder != nullptr) Figures(deps).failed(call, table, output.error());
      co_return output;
    }
    auto& head = head_of(*output);
    if (deps.recorder != nullptr) note(Figures(deps), call, head);
    if (!shown) head.consumed_capacity.reset();
    co_return output;
  }

  template <class Op>
  static Figures::Target target_of(const typename Op::Input& input) {
    Figures::Target target;
    if constexpr (requires { input.statement; }) {
      target = Figures::target_of(*input.statement);
    } else if constexpr (requires { input.statements; }) {
      target.writes = Figures::target_of(*input.statements->front().statement).writes;
    } else if constexpr (requires { input.transact_statements; }) {
      target.writes = Figures::target_of(*input.transact_statements->front().statement).writes;
    } else {
      target.writes = is_write(Op::info().name);
      if constexpr (requires { input.table_name; }) target.table = input.table_name.value_or("");
    }
    return target;
  }

  template <class Output>
  static void note(const Figures& figures, const Figures::Call& call, const Output& output) {
    if (!output.consumed_capacity) return;
    std::optional<std::int32_t> items;
    if constexpr (requires { output.scanned_count; }) items = output.count;
    if constexpr (requires { output.consumed_capacity->size(); }) {
      for (const auto& capacity : *output.consumed_capacity)
        figures.succeeded(call, capacity, items);
    } else {
      figures.succeeded(call, *output.consumed_capacity, items);
    }
  }

  static bool is_write(std::string_view operation);

  wire::Registry& registry_;
  const Deps& deps_;
};

}  // namespace services::dynamodb

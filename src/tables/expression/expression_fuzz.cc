#include "tables/expression/compile.h"
#include "tables/expression/evaluate.h"
#include "tables/expression/update.h"

// Any text is refused or can be evaluated; the stack and memory stay bounded.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace tables;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::map<std::string, std::string> names = {{"#a", "a"}, {"#b", "b c"}};
  const std::map<std::string, Value> values = {{":s", Value::of_s("x")},
                                               {":n", Value::of_n("1")},
                                               {":l", Value::of_l({Value::of_n("2")})},
                                               {":z", Value::of_ss({"x", "y"})}};
  const Item item = {{"a", Value::of_m({{"b", Value::of_l({Value::of_s("x")})}})},
                     {"n", Value::of_n("41")},
                     {"s", Value::of_ss({"x"})}};
  expression::Scope scope(&names, &values);
  if (const auto condition = expression::compile_condition(text, scope))
    (void)expression::holds(*condition, item);
  if (const auto update = expression::compile_update(text, scope))
    (void)expression::apply(*update, item);
  if (const auto projection = expression::compile_projection(text, scope))
    (void)expression::project(item, *projection);
  return 0;
}

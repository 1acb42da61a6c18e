#include "tables/expression/evaluate.h"
#include "tables/expression/update.h"
#include "tables/partiql/plan.h"

namespace {

tables::Definition table() {
  tables::Definition made;
  made.keys = {.hash = {"pk", tables::Type::kS},
               .range = tables::KeyAttribute{"sk", tables::Type::kN}};
  tables::Index index;
  index.name = "by_c";
  index.id = tables::IndexId(1);
  index.keys = {.hash = {"c", tables::Type::kS}, .range = std::nullopt};
  index.projection.kind = tables::Projection::Kind::kKeysOnly;
  made.indexes.push_back(index);
  index.keys.more_hash.push_back({"d", tables::Type::kN});
  made.indexes.push_back(std::move(index));
  return made;
}

}  // namespace

// Any text is refused or can be planned and carried out; the stack and memory stay bounded.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace tables;
  static const Definition kTable = table();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<Value> parameters = {Value::of_s("a"), Value::of_n("1"), Value::of_bool(true),
                                         Value::of_ss({"x", "y"})};
  const auto statement = partiql::compile(text, parameters);
  if (!statement) return 0;
  const Item item = {{"pk", Value::of_s("a")},
                     {"sk", Value::of_n("1")},
                     {"m", Value::of_m({{"l", Value::of_l({Value::of_s("x")})}})},
                     {"s", Value::of_ss({"x"})}};
  if (statement->kind == partiql::Statement::Kind::kSelect) {
    (void)partiql::plan_read(kTable, nullptr, *statement);
    for (const Index& index : kTable.indexes) (void)partiql::plan_read(kTable, &index, *statement);
  } else {
    (void)partiql::item_of(kTable, *statement);
  }
  if (statement->where) (void)expression::holds(*statement->where, item);
  (void)expression::apply(statement->update, item);
  (void)partiql::show(statement->columns, item);
  return 0;
}

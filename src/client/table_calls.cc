#include "client/table_calls.h"

#include <fmt/format.h>

#include "async/when_all.h"

namespace client {

namespace d = api::dynamodb;
using async::Task;

Task<Answer<std::vector<std::string>>> list_table_names(const Retries& with) {
  std::vector<std::string> names;
  d::ListTablesInput input;
  for (;;) {
    auto page = co_await call_patiently<d::op::ListTables>(with, input);
    if (!page) co_return std::unexpected(std::move(page).error());
    if (page->table_names)
      for (std::string& name : *page->table_names) names.push_back(std::move(name));
    if (!page->last_evaluated_table_name) co_return names;
    if (names.size() > kTablesListedMax)
      co_return std::unexpected(
          Failure{.message = fmt::format("more than {} tables", kTablesListedMax)});
    input.exclusive_start_table_name = std::move(page->last_evaluated_table_name);
  }
}

Task<Answer<d::TableDescription>> describe_table(const Retries& with, std::string name) {
  d::DescribeTableInput input;
  input.table_name = std::move(name);
  auto answer = co_await call_patiently<d::op::DescribeTable>(with, input);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return answer->table.value_or(d::TableDescription());
}

Task<Answer<std::vector<d::TableDescription>>> describe_tables(const Retries& with,
                                                               std::vector<std::string> names) {
  std::vector<d::TableDescription> tables;
  for (std::size_t at = 0; at < names.size(); at += kDescribesAtOnce) {
    std::vector<Task<Answer<d::TableDescription>>> wave;
    for (std::size_t i = at; i < std::min(at + kDescribesAtOnce, names.size()); ++i)
      wave.push_back(describe_table(with, names[i]));
    auto answers = co_await async::when_all(std::move(wave));
    for (auto& answer : answers) {
      if (answer) tables.push_back(*std::move(answer));
      else if (answer.error().code != "ResourceNotFoundException")
        co_return std::unexpected(std::move(answer).error());
    }
  }
  co_return tables;
}

}  // namespace client

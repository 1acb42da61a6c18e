#pragma once

// when_all: runs tasks side by side on the current core and answers all their values, in order.

#include <memory>
#include <vector>

#include "async/completion.h"
#include "async/gate.h"

namespace async {

namespace detail {
template <class T>
struct Together {
  std::vector<std::optional<T>> results;
  std::atomic<std::size_t> left;
  Completion<bool> done;
};
template <class T>
Task<void> one_of(Together<T>& all, std::size_t index, Task<T> task) {
  all.results[index].emplace(co_await std::move(task));
  if (all.left.fetch_sub(1) == 1) all.done.set(true);
}
}  // namespace detail

template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  detail::Together<T> all;
  all.results.resize(tasks.size());
  all.left = tasks.size();
  std::vector<T> values;
  if (tasks.empty()) co_return values;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    spawn(*Core::current(), detail::one_of(all, i, std::move(tasks[i])));
  co_await all.done;
  for (auto& result : all.results) values.push_back(std::move(*result));
  co_return values;
}

}  // namespace async

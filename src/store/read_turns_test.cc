#include "store/read_turns.h"

#include <gtest/gtest.h>

#include "async/gate.h"
#include "async/manual_core.h"

namespace store {
namespace {

using namespace std::chrono_literals;

TEST(ReadTurns, LetsSoManyInAndTheOthersWaitInOrder) {
  base::ManualClock clock;
  async::ManualCore core(clock);
  async::Gate gate;
  ReadTurns turns(2);
  std::vector<int> begun;
  async::Completion<bool> go_on[5];
  const auto read = [](ReadTurns& from, int number, std::vector<int>& order,
                       async::Completion<bool>& until) -> async::Task<void> {
    auto turn = co_await from.take();
    order.push_back(number);
    co_await until;
    ReadTurns::end_soon(std::move(turn));
    order.push_back(-number);  // still in its turn
  };
  for (int i = 0; i < 5; ++i) async::spawn(core, gate, read(turns, i + 1, begun, go_on[i]));
  core.run_ready();
  EXPECT_EQ(begun, (std::vector<int>{1, 2}));
  go_on[1].set(true);
  core.run_ready();
  EXPECT_EQ(begun, (std::vector<int>{1, 2, -2, 3}));
  for (const int i : {0, 2, 3, 4}) go_on[i].set(true);
  core.run(gate.close());
  EXPECT_EQ(begun.size(), 10U);
  EXPECT_EQ(begun[begun.size() - 1], -5);
}

}  // namespace
}  // namespace store

#include "async/departures.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "async/manual_core.h"

namespace async {
namespace {

class Letter final : public Departures::Traveller {
 public:
  Letter(std::string& seen, char name) : seen_(seen), name_(name) {}
  void depart() override { seen_ += name_; }
  void arrive() override { seen_ += '!'; }

 private:
  std::string& seen_;
  char name_;
};

TEST(Departures, LeaveTogetherOnceWhatIsReadyHasRun) {
  base::ManualClock clock;
  ManualCore core(clock);
  Departures departures(core);
  std::string seen;
  Letter a(seen, 'a'), b(seen, 'b'), c(seen, 'c');
  core.post([&] { departures.add(a); });
  core.post([&] { departures.add(b), seen += '.'; });
  core.run_ready();
  EXPECT_EQ(seen, ".ab!!");
  core.post([&] { departures.add(c); });
  core.run_ready();
  EXPECT_EQ(seen, ".ab!!c!");
}

TEST(Departures, DoNotWaitForACrowd) {
  base::ManualClock clock;
  ManualCore core(clock);
  Departures departures(core);
  std::string seen;
  std::deque<Letter> letters;
  for (std::size_t i = 0; i < Departures::kTogetherMax + 2; ++i)
    letters.emplace_back(seen, static_cast<char>('a' + i));
  core.post([&] {
    for (Letter& letter : letters) departures.add(letter);
    seen += '.';
  });
  core.run_ready();
  EXPECT_EQ(seen, "abcdefghijklmnop.qr!!!!!!!!!!!!!!!!!!");
}

}  // namespace
}  // namespace async

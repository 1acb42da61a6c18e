// Shapes of sandboxes that this host does not need.

#include "sandbox/watcher.h"

#include "sandbox/init_image.h"
#include "sandbox/sandbox_fixture.h"
#include "sandbox/seccomp_filter.h"

namespace sandbox {
namespace {

Outcome run_in_shape(async::AsioCore& core, Shape shape, Spec spec) {
  Watcher::Host host;
  host.image = *make_init_image();
  host.seccomp = *make_seccomp_filter();
  host.trial = {true, shape, {.own = false, .first = 65'534, .count = 1}, {}};
  const auto watcher = *Watcher::create(std::move(host));
  auto started = async::wait_for(
      core, [](Watcher& watching, Spec wanted) -> async::Task<std::unique_ptr<Process>> {
        Watcher::Started done;
        watching.start(std::move(wanted), done);
        auto running = co_await done;
        if (!running) ADD_FAILURE() << running.error().message;
        if (!running) co_return nullptr;
        co_return make_process(*std::move(running));
      }(*watcher, std::move(spec)));
  Outcome outcome;
  if (!started) return outcome;
  outcome.out = read_all(started->take_stdout());
  outcome.exit = async::wait_for(core, started->wait());
  return outcome;
}

class WatcherTest : public SandboxTest {};

TEST_F(WatcherTest, RootCanDoWithoutUserNamespaces) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root";
  const Shape shape{.user_namespace = false, .map_self = false, .private_proc = true};
  const Outcome outcome = run_in_shape(
      core_, shape,
      command({"/bin/sh", "-c", "id -un; grep CapEff /proc/self/status; echo /proc/[0-9]*"}));
  EXPECT_EQ(outcome.out, "sandbox\nCapEff:\t0000000000000000\n/proc/1 /proc/2\n");
  const Outcome calls = run_in_shape(core_, shape, subject({"calls"}));
  EXPECT_EQ(calls.out.find("=allowed"), std::string::npos) << calls.out;
}

TEST_F(WatcherTest, CanDoWithoutProc) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root";
  const Shape shape{.user_namespace = true, .map_self = false, .private_proc = false};
  EXPECT_EQ(run_in_shape(core_, shape, command({"/bin/sh", "-c", "echo /proc*"})).out, "/proc*\n");
}

}  // namespace
}  // namespace sandbox

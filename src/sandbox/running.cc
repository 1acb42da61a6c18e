#include "sandbox/running.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "sandbox/init/plan.h"
#include "sandbox/process_usage.h"

namespace sandbox {
namespace {

async::Task<Exit> wait_for_exit(std::shared_ptr<Running> running) {
  async::Completion<Exit> done;
  std::optional<Exit> already;
  {
    const std::lock_guard lock(running->mutex);
    already = running->exit;
    if (!already) running->waiting.push_back(&done);
  }
  if (already) co_return *already;
  const Exit exit = co_await done;
  co_return exit;
}

class HostProcess final : public Process {
 public:
  explicit HostProcess(std::shared_ptr<Running> running) : running_(std::move(running)) {}
  ~HostProcess() override { kill(); }
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;

  pid_t pid() const override { return running_->inner; }

  std::vector<Fd> take_listeners() override {
    const std::lock_guard lock(running_->mutex);
    return std::exchange(running_->listeners, {});
  }
  Fd take_stdout() override {
    const std::lock_guard lock(running_->mutex);
    return std::move(running_->standard_out);
  }
  Fd take_stderr() override {
    const std::lock_guard lock(running_->mutex);
    return std::move(running_->standard_error);
  }

  async::Task<Exit> wait() override { return wait_for_exit(running_); }

  // A pidfd never hits a stranger that got the number later.
  void kill() override {
    ::syscall(SYS_pidfd_send_signal, running_->inner_pidfd.get(), SIGKILL, nullptr, 0);
  }
  void freeze() override { command(init::kFreeze); }
  void thaw() override { command(init::kThaw); }
  void proceed() override { command(init::kProceed); }
  void wind_down() override { command(init::kWindDown); }

  std::uint64_t memory_peak_bytes() const override {
    {
      const std::lock_guard lock(running_->mutex);
      if (running_->exit) return running_->usage.memory_peak_bytes;
    }
    const auto counted = Cgroups::memory_peak_bytes(running_->cgroup);
    return counted ? *counted : usage().memory_peak_bytes;
  }

  Usage usage() const override {
    {
      const std::lock_guard lock(running_->mutex);
      if (running_->exit) return running_->usage;
    }
    const Cgroups::Counts counts = Cgroups::count(running_->cgroup);
    Usage usage;
    if (!counts.memory_peak_bytes || !counts.cpu_time) usage = usage_of_tree(running_->inner);
    usage.memory_peak_bytes = counts.memory_peak_bytes.value_or(usage.memory_peak_bytes);
    usage.cpu_time = counts.cpu_time.value_or(usage.cpu_time);
    return usage;
  }

 private:
  void command(char what) {
    ::send(running_->control.get(), &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  const std::shared_ptr<Running> running_;
};

}  // namespace

std::unique_ptr<Process> make_process(std::shared_ptr<Running> running) {
  return std::make_unique<HostProcess>(std::move(running));
}

}  // namespace sandbox

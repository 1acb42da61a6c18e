#include "sandbox/watcher.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/log.h"
#include "sandbox/planning.h"

namespace sandbox {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kWakeEvent = 0;  // ids begin at 1
constexpr std::uint64_t kSources = 4;    // an event is id * kSources + source
constexpr int kRetryMs = 20;             // for cgroups the kernel still holds
constexpr auto kStopTimeout = std::chrono::seconds(20);
constexpr auto kSpareDelay = std::chrono::milliseconds(100);

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

void kill_by(const Fd& pidfd) {
  if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::unexpected<base::Error> stopped() {
  return base::error(base::ErrorCode::kUnavailable, "sandbox: the launcher is stopping");
}

// Without a last word process 1 was killed: by us, or by the kernel with the whole group.
Exit exit_of(const std::optional<init::Message>& ended, bool out_of_memory) {
  Exit exit;
  exit.out_of_memory = out_of_memory;
  if (!ended) {
    exit.signal = SIGKILL;
    return exit;
  }
  exit.out_of_memory = exit.out_of_memory || ended->out_of_memory != 0;
  exit.companion = ended->companion;
  if (WIFSIGNALED(ended->value)) exit.signal = WTERMSIG(ended->value);
  else exit.code = WEXITSTATUS(ended->value);
  return exit;
}

Usage usage_of(const std::optional<init::Message>& ended, const Cgroups::Counts& counts) {
  Usage usage;
  if (ended) {
    usage.memory_peak_bytes = ended->memory_peak_bytes;
    usage.cpu_time = std::chrono::nanoseconds(ended->cpu_ns);
  }
  usage.memory_peak_bytes = counts.memory_peak_bytes.value_or(usage.memory_peak_bytes);
  usage.cpu_time = counts.cpu_time.value_or(usage.cpu_time);
  return usage;
}

}  // namespace

Watcher::Watcher(Host host, Fd epoll, Fd wake)
    : host_(std::move(host)), epoll_(std::move(epoll)), wake_(std::move(wake)) {}

base::Result<std::unique_ptr<Watcher>> Watcher::create(Host host) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !wake) return base::errno_error("watch sandboxes", errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeEvent;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return base::errno_error("watch sandboxes", errno);
  }
  std::unique_ptr<Watcher> watcher(new Watcher(std::move(host), std::move(epoll), std::move(wake)));
  watcher->thread_ = std::thread([self = watcher.get()] { self->run(); });
  return watcher;
}

Watcher::~Watcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
  host_.cgroups.remove_all();
}

void Watcher::start(Spec spec, Started& done) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      jobs_.push_back({std::move(spec), &done});
      ::eventfd_write(wake_.get(), 1);
      return;
    }
  }
  done.set(stopped());
}

void Watcher::run() {
  std::optional<SteadyClock::time_point> give_up;
  fill_spares();
  for (;;) {
    for (Job& job : take_jobs()) begin(std::move(job));
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && jobs_.empty() && !give_up) {
        give_up = SteadyClock::now() + kStopTimeout;
        for (auto& [id, entry] : entries_) abort(entry, stopped().error());
        while (!spares_.empty()) {
          discard(std::move(spares_.front()));
          spares_.pop_front();
        }
      }
    }
    if (give_up && entries_.empty() && leftover_groups_.empty()) return;
    if (give_up && SteadyClock::now() > *give_up) {
      base::log_error("sandbox: {} sandboxes did not end in time", entries_.size());
      return;
    }
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms());
    for (int i = 0; i < count; ++i) {
      const std::uint64_t event = events[static_cast<std::size_t>(i)].data.u64;
      if (event == kWakeEvent) {
        eventfd_t ignored = 0;
        ::eventfd_read(wake_.get(), &ignored);
        continue;
      }
      on_event(event / kSources, static_cast<Source>(event % kSources));
    }
    check_deadlines();
    if (!give_up && fill_spares_at_ && SteadyClock::now() >= *fill_spares_at_) fill_spares();
  }
}

std::vector<Watcher::Job> Watcher::take_jobs() {
  const std::lock_guard lock(mutex_);
  return std::exchange(jobs_, {});
}

std::size_t Watcher::take_slot() {
  const auto free = std::ranges::find(slots_, false);
  const auto slot = static_cast<std::size_t>(free - slots_.begin());
  if (free == slots_.end()) slots_.push_back(true);
  else *free = true;
  return slot;
}

void Watcher::begin(Job job) {
  if (entries_.size() >= host_.config.sandboxes_max) {
    job.done->set(base::error(base::ErrorCode::kLimit, "sandbox: too many sandboxes"));
    return;
  }
  fill_spares_at_ = SteadyClock::now() + kSpareDelay;
  const std::size_t slot = take_slot();
  auto spare = take_spare(job.spec.limits);
  if (!spare) {
    auto spawned = spawn(job.spec.limits, false);
    if (!spawned) {
      slots_[slot] = false;
      job.done->set(std::unexpected(std::move(spawned).error()));
      return;
    }
    spare = *std::move(spawned);
  }
  const std::uint64_t id = spare->id;
  auto entry = launch(job.spec, *std::move(spare), slot);
  if (!entry) {
    slots_[slot] = false;
    job.done->set(std::unexpected(std::move(entry).error()));
    return;
  }
  entry->starting = job.done;
  watch(entry->running->control.get(), id, Source::kControl);
  watch(entry->outer_pidfd.get(), id, Source::kOuter);
  entries_.emplace(id, *std::move(entry));
}

// Gives an init its plan. `init` is gone if that fails.
base::Result<Watcher::Entry> Watcher::launch(const Spec& spec, Spare init, std::size_t slot) {
  init::Plan plan = make_plan(spec, host_.trial.shape, host_.trial.users.at(slot));
  plan.seccomp = host_.seccomp;
  if (!host_.cgroups.has_memory()) plan.polled_memory_bytes = spec.limits.memory_bytes;
  if (!init.joined) plan.cgroup_files = init.cgroup.join_files();
  auto output = hand_over(init.init.control, plan, spec.merge_output && spec.companions.empty());
  if (!output) {
    discard(std::move(init));
    return std::unexpected(std::move(output).error());
  }
  Entry entry;
  entry.running = std::make_shared<Running>();
  entry.running->cgroup = std::move(init.cgroup);
  entry.running->control = std::move(init.init.control);
  entry.running->standard_out = std::move(output->standard_out);
  entry.running->standard_error = std::move(output->standard_error);
  entry.outer = init.init.outer;
  entry.outer_pidfd = std::move(init.pidfd);
  entry.outer_alive = true;
  entry.name = spec.name;
  entry.slot = slot;
  entry.start_deadline = SteadyClock::now() + host_.config.start_timeout;
  entry.listeners_expected = spec.listeners.size();
  return entry;
}

// `joins`: at once, by itself. Otherwise its child is to be moved while it works.
base::Result<Watcher::Spare> Watcher::spawn(const Limits& limits, bool joins) {
  Spare spare;
  spare.id = next_id_++;
  spare.joined = joins;
  ASSIGN_OR_RETURN(spare.cgroup, host_.cgroups.make(fmt::format("{}", spare.id), limits));
  auto spawned =
      spawn_init(host_.image, joins ? spare.cgroup.join_files() : std::vector<std::string>());
  if (!spawned) {
    remove_later(spare.cgroup);
    return std::unexpected(std::move(spawned).error());
  }
  spare.init = *std::move(spawned);
  spare.pidfd = open_pidfd(spare.init.outer);
  if (spare.pidfd) return spare;
  const auto failed = base::errno_error("watch the sandbox's init", errno);
  discard(std::move(spare));
  return failed;
}

// With a spare's limits set. None where there is none, or where the limits need a group that spares
// do not join.
std::optional<Watcher::Spare> Watcher::take_spare(const Limits& limits) {
  while (!spares_.empty() && limits.cpu_millis == 0) {
    Spare spare = std::move(spares_.front());
    spares_.pop_front();
    const bool alive = ::waitpid(spare.init.outer, nullptr, WNOHANG) == 0;
    const auto limited = host_.cgroups.make(fmt::format("{}", spare.id), limits);
    if (alive && limited) return spare;
    if (!alive) spare.init.outer = -1;
    discard(std::move(spare));
  }
  return std::nullopt;
}

void Watcher::discard(Spare spare) {
  if (spare.init.outer > 0) {
    ::kill(spare.init.outer, SIGKILL);
    reap(spare.init.outer);
  }
  remove_later(std::move(spare.cgroup));
}

// A while after the last start, so that it takes nothing from one.
void Watcher::fill_spares() {
  fill_spares_at_.reset();
  Limits loose;
  loose.memory_bytes = kMemoryBytesMax;  // limits can be lowered in any order
  while (spares_.size() < host_.config.spares) {
    auto spare = spawn(loose, true);
    if (!spare) {
      base::log_warn("sandbox: no spare: {}", spare.error().message);
      return;
    }
    spares_.push_back(*std::move(spare));
  }
}

void Watcher::watch(int fd, std::uint64_t id, Source source) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id * kSources + static_cast<std::uint64_t>(source);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    base::log_error("sandbox: {}", base::errno_error("epoll_ctl", errno).error().message);
  }
}

void Watcher::on_event(std::uint64_t id, Source source) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  // What was said before an end is heard before the end is acted on.
  hear(id, entry);
  if (source == Source::kOuter && entry.outer_alive) {
    reap(entry.outer);
    entry.outer_alive = false;
    entry.outer_pidfd.reset();
    hear(id, entry);
  }
  if (source == Source::kInner && entry.inner_alive) {
    reap(entry.running->inner);
    entry.inner_alive = false;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry.running->inner_pidfd.get(), nullptr);
  }
  if (!entry.outer_alive && !entry.inner_alive) finish(found);
}

void Watcher::hear(std::uint64_t id, Entry& entry) {
  for (;;) {
    Received received = receive(entry.running->control);
    if (received.hearing == Hearing::kNothingYet) return;
    if (received.hearing == Hearing::kEnd) {
      // The ends of the processes themselves follow.
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry.running->control.get(), nullptr);
      return;
    }
    on_message(id, entry, std::move(received.heard));
  }
}

void Watcher::on_message(std::uint64_t id, Entry& entry, Heard heard) {
  const init::Message& message = heard.message;
  switch (message.kind) {
    case init::MessageKind::kPid:
      if (entry.running->inner < 0) adopt(id, entry, message.value);
      break;
    case init::MessageKind::kListeners: {
      const std::lock_guard lock(entry.running->mutex);
      auto next = heard.descriptors.begin();
      for (std::size_t i = 0; i < entry.listeners_expected; ++i) {
        const bool missing = (message.mask >> i & 1) != 0 || next == heard.descriptors.end();
        entry.running->listeners.push_back(missing ? Fd() : std::move(*next++));
      }
      break;
    }
    case init::MessageKind::kStarted:
      if (entry.starting != nullptr && !entry.aborted) {
        std::exchange(entry.starting, nullptr)->set(entry.running);
      }
      break;
    case init::MessageKind::kFailed:
      if (!entry.failure) entry.failure = failure_of(message);
      break;
    case init::MessageKind::kEnded: entry.ended = message; break;
  }
}

// The number came over a socket that only our own init holds, before anything of the function ran;
// and it is our child, so it cannot have become another's meanwhile.
void Watcher::adopt(std::uint64_t id, Entry& entry, pid_t inner) {
  entry.running->inner = inner;
  entry.running->inner_pidfd = open_pidfd(inner);
  if (!entry.running->inner_pidfd) {
    abort(entry, base::errno_error("watch the sandbox's process 1", errno).error());
    ::kill(inner, SIGKILL);
    reap(inner);
    return;
  }
  entry.inner_alive = true;
  if (entry.aborted) kill_by(entry.running->inner_pidfd);
  watch(entry.running->inner_pidfd.get(), id, Source::kInner);
}

void Watcher::abort(Entry& entry, base::Error why) {
  entry.aborted = true;
  if (!entry.failure) entry.failure = std::move(why);
  if (entry.outer_alive) kill_by(entry.outer_pidfd);
  if (entry.inner_alive) kill_by(entry.running->inner_pidfd);
}

void Watcher::finish(Entries::iterator found) {
  Entry entry = std::move(found->second);
  entries_.erase(found);
  slots_[entry.slot] = false;
  Running& running = *entry.running;
  const Cgroups::Counts counts = Cgroups::count(running.cgroup);
  remove_later(running.cgroup);
  if (entry.starting != nullptr) {
    const base::Error silent{base::ErrorCode::kInternal,
                             "sandbox: it ended before the function began"};
    entry.starting->set(std::unexpected(entry.failure.value_or(silent)));
    return;
  }
  std::vector<async::Completion<Exit>*> waiting;
  const Exit exit = exit_of(entry.ended, counts.out_of_memory);
  {
    const std::lock_guard lock(running.mutex);
    running.exit = exit;
    running.usage = usage_of(entry.ended, counts);
    waiting = std::exchange(running.waiting, {});
  }
  base::log_debug("sandbox: {} ended, code {} signal {}{}", entry.name, exit.code, exit.signal,
                  exit.out_of_memory ? ", out of memory" : "");
  for (async::Completion<Exit>* const one : waiting) one->set(exit);
}

void Watcher::remove_later(Cgroup group) {
  if (!Cgroups::remove(group)) leftover_groups_.push_back(std::move(group));
}

void Watcher::check_deadlines() {
  const auto now = SteadyClock::now();
  for (auto& [id, entry] : entries_) {
    if (entry.starting == nullptr || entry.aborted || now < entry.start_deadline) continue;
    abort(entry, {base::ErrorCode::kTimeout, "sandbox: the start took too long"});
  }
  std::erase_if(leftover_groups_, [](const Cgroup& group) { return Cgroups::remove(group); });
}

int Watcher::timeout_ms() const {
  if (!leftover_groups_.empty()) return kRetryMs;
  auto next = fill_spares_at_.value_or(SteadyClock::time_point::max());
  for (const auto& [id, entry] : entries_) {
    if (entry.starting != nullptr && !entry.aborted) next = std::min(next, entry.start_deadline);
  }
  if (next == SteadyClock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - SteadyClock::now());
  return static_cast<int>(std::clamp<long>(left.count(), 0, 60'000));
}

}  // namespace sandbox

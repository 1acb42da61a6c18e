#pragma once

// The launcher's thread: starts every sandbox (they die with it, and it lives as long as the
// launcher), hears their inits and notices their ends. One epoll for all. Keeps some inits waiting
// for the next starts.

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <thread>
#include <vector>

#include "async/completion.h"
#include "base/result.h"
#include "sandbox/cgroup.h"
#include "sandbox/probe.h"
#include "sandbox/running.h"
#include "sandbox/spawn.h"

namespace sandbox {

class Watcher {
 public:
  struct Host {
    HostConfig config;
    Fd image;
    Trial trial;
    Cgroups cgroups;
    std::string seccomp;  // empty: none
  };
  using Started = async::Completion<base::Result<std::shared_ptr<Running>>>;

  // Starts the thread.
  static base::Result<std::unique_ptr<Watcher>> create(Host host);
  // Kills all, waits until nothing is left, joins.
  ~Watcher();

  // Thread-safe. `done` is set once, from the thread.
  void start(Spec spec, Started& done);

 private:
  enum class Source : std::uint64_t { kControl, kOuter, kInner };
  struct Job {
    Spec spec;
    Started* done;
  };
  // What only this thread needs to know of a sandbox.
  struct Entry {
    std::shared_ptr<Running> running;
    std::string name;
    std::size_t slot = 0;
    pid_t outer = -1;
    Fd outer_pidfd;
    bool outer_alive = false;
    bool inner_alive = false;
    bool aborted = false;
    Started* starting = nullptr;
    std::chrono::steady_clock::time_point start_deadline;
    std::optional<base::Error> failure;
    std::optional<init::Message> ended;
    std::size_t listeners_expected = 0;
  };
  using Entries = std::map<std::uint64_t, Entry>;
  // An init that waits for its plan, in its cgroups.
  struct Spare {
    std::uint64_t id = 0;
    Cgroup cgroup;
    Spawned init;
    Fd pidfd;
    bool joined = false;
  };

  Watcher(Host host, Fd epoll, Fd wake);
  void run();
  std::vector<Job> take_jobs();
  void begin(Job job);
  base::Result<Entry> launch(const Spec& spec, Spare init, std::size_t slot);
  base::Result<Spare> spawn(const Limits& limits, bool joins);
  std::optional<Spare> take_spare(const Limits& limits);
  void discard(Spare spare);
  void fill_spares();
  void watch(int fd, std::uint64_t id, Source source);
  void on_event(std::uint64_t id, Source source);
  void hear(std::uint64_t id, Entry& entry);
  void on_message(std::uint64_t id, Entry& entry, Heard heard);
  void adopt(std::uint64_t id, Entry& entry, pid_t inner);
  void abort(Entry& entry, base::Error why);
  void finish(Entries::iterator found);
  void remove_later(Cgroup group);
  void check_deadlines();
  int timeout_ms() const;
  std::size_t take_slot();

  const Host host_;
  const Fd epoll_;
  const Fd wake_;
  std::mutex mutex_;  // of the two below
  std::vector<Job> jobs_;
  bool stopping_ = false;

  Entries entries_;
  std::uint64_t next_id_ = 1;
  std::vector<bool> slots_;
  std::vector<Cgroup> leftover_groups_;
  std::deque<Spare> spares_;
  std::optional<std::chrono::steady_clock::time_point> fill_spares_at_;
  std::thread thread_;
};

}  // namespace sandbox

#pragma once

// One untrusted process tree in a sandbox: how it is described, started, limited, watched, ended.
// What the walls are made of stands in docs/security.md; the real thing is in host_launcher.h.
//
//   sandbox::Spec spec;
//   spec.argv = {"/var/task/bootstrap"};
//   spec.code_folder = "/data/functions/f/1";
//   spec.listeners = {{sandbox::Protocol::kTcp, "127.0.0.1", 9001}};
//   auto started = co_await launcher.start(std::move(spec));
//   const sandbox::Exit exit = co_await (*started)->wait();
//
// Everything here is thread-safe; a coroutine goes on on the core it awaited on. Nothing survives a
// crash of the server: every sandbox dies with the server process.
//
// What the process finds inside:
//   /              read-only and private; /usr, /bin, /lib* of the host, a few files of /etc
//   /var/task      Spec::code_folder, read-only
//   /tmp           its own, writable, Limits::tmp_bytes
//   /dev, /proc    minimal, its own; /dev/shm of Limits::shm_bytes
//   network        a loopback with what Spec::listeners names, and no way out
//   identity       user kUserId:kGroupId ("sandbox"), no capability, no other process of the host
// The process is not the host's root nor, where the server is root, the server's user: what is
// bound must be readable by everybody (as on AWS). The folders above it need not be.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "sandbox/fd.h"

namespace sandbox {

inline constexpr std::uint32_t kUserId = 993;
inline constexpr std::uint32_t kGroupId = 990;
inline constexpr std::size_t kListenersMax = 64;
inline constexpr std::size_t kBindsMax = 64;
inline constexpr std::size_t kCompanionsMax = 16;

// A file or folder of the host, seen read-only (with all below it) at `target`.
struct Bind {
  std::string source;     // absolute
  std::string target;     // absolute, inside; missing folders above it are made
  bool optional = false;  // true: a missing source is skipped
};

// A small file the server makes up (a certificate, say), read-only for the process.
struct File {
  std::string target;  // absolute, inside; replaces what a whole-folder bind does not cover
  std::string bytes;
};

// kTcpOut is a socket that is not bound: the server connects it to what a process inside listens
// on.
enum class Protocol { kTcp, kUdp, kTcpOut };

// A socket bound inside, served by the server. TCP ones listen. Ports below 1024 are fine. Of
// kTcpOut nothing else counts.
struct Listener {
  Protocol protocol = Protocol::kTcp;
  std::string address = "127.0.0.1";  // any of 127.0.0.0/8, or ::1
  std::uint16_t port = 0;
};

struct Limits {
  std::uint64_t memory_bytes = 128ULL << 20;  // of all processes and of /tmp's and shm's pages
  std::uint64_t tmp_bytes = 512ULL << 20;
  std::uint64_t shm_bytes = 64ULL << 20;
  std::uint32_t processes = 1024;  // and threads, together
  std::uint32_t open_files = 1024;
  std::uint32_t cpu_millis = 0;  // 1000 is one whole CPU; at least 10; 0 is no quota
};

struct Spec {
  std::string name;                      // for the log only
  std::vector<std::string> argv;         // argv[0]: an absolute path inside; PATH is not searched
  std::vector<std::string> environment;  // "NAME=value"; exactly these, nothing inherited
  // Programs beside the main one, an argv each, with the same environment; what they print is on
  // stderr. Where there are any, the main process waits for Process::proceed(), stderr is theirs
  // even with merge_output, and the end of one ends the sandbox until wind_down().
  std::vector<std::vector<std::string>> companions;
  std::string cwd = "/var/task";
  std::string code_folder;  // a host folder; empty: /var/task is an empty folder
  std::vector<Bind> binds;
  std::vector<File> files;
  std::vector<Listener> listeners;
  Limits limits;
  std::string hostname = "sandbox";  // at most 64 bytes
  bool merge_output = false;         // one pipe for stdout and stderr, order kept
};

struct Exit {
  int code = 0;                // valid if signal == 0
  int signal = 0;              // the signal that ended the main process; SIGKILL after kill()
  bool out_of_memory = false;  // the memory limit ended it, or a process of it
  int companion = -1;          // which of Spec::companions it was that ended, instead
  bool operator==(const Exit&) const = default;
};

struct Usage {
  // Highest since start. With a cgroup it includes cached pages of files that this sandbox was the
  // first to read.
  std::uint64_t memory_peak_bytes = 0;
  std::chrono::nanoseconds cpu_time{0};
};

// A running (or ended) sandbox. Destroying it kills what still runs, without waiting for it.
class Process {
 public:
  virtual ~Process() = default;

  // The sandbox's first process as the host numbers it. For logs.
  virtual pid_t pid() const = 0;

  // The sockets of Spec::listeners in their order: non-blocking, close-on-exec, living in the
  // sandbox's network. One for ::1 is empty on a host without IPv6. Once; no sockets after that.
  virtual std::vector<Fd> take_listeners() = 0;
  // Read ends of pipes, non-blocking, close-on-exec: end of file once no process of the sandbox
  // holds the other end. Once each. With merge_output all is on stdout and stderr is empty.
  virtual Fd take_stdout() = 0;
  virtual Fd take_stderr() = 0;

  // How the main process ended, once no process of the sandbox is left. Any number may wait, also
  // after the end. The Process may be destroyed meanwhile.
  virtual async::Task<Exit> wait() = 0;
  // Ends every process of the sandbox at once. Idempotent; no effect after the end.
  virtual void kill() = 0;
  // Stops every process of the sandbox from running until thaw(): an idle one then costs no CPU.
  // Both are requests that take effect in order, within a moment, and are idempotent.
  virtual void freeze() = 0;
  virtual void thaw() = 0;
  // The companions are ready: the main process may start. Once; nothing without companions.
  virtual void proceed() = 0;
  // SIGTERM to the main process, and from now on the sandbox ends when the last companion does.
  virtual void wind_down() = 0;
  // Best effort while it runs; exact after the end.
  virtual Usage usage() const = 0;
  // Of that only the memory, which is cheaper to ask for often.
  virtual std::uint64_t memory_peak_bytes() const { return usage().memory_peak_bytes; }
};

// Starts sandboxes. An interface so that tests need no kernel.
class Launcher {
 public:
  virtual ~Launcher() = default;

  // Errors: kInvalidArgument (the spec can never work: a relative path, no argv, a bad address),
  // kNotFound (a bind's source, or argv[0] inside, is not there), kPermission (argv[0] is not
  // executable, or the host refuses the sandbox), kLimit (too many sandboxes), kUnavailable
  // (stopped), kTimeout, kIo. On failure nothing is left behind.
  virtual async::Task<base::Result<std::unique_ptr<Process>>> start(Spec spec) = 0;
};

}  // namespace sandbox

#pragma once

// Plan: all that the sandbox's init is to do, decided beforehand by the server, and the messages
// between the two. Passed as bytes in a memory file; both ends come from one build, so the form has
// no version and is never stored. The init is started with the files of the cgroups that it has to
// join as arguments, and gets the plan and the pipes over its control socket, perhaps much later.
//
// This folder is the init program: static, single-threaded, no exceptions, nothing of the server.
// Only plan.{h,cc} is shared with the server.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox::init {

// File descriptors of the init: two that it is started with, and between them three that it gets.
inline constexpr int kControlFd = 3;  // a SOCK_SEQPACKET pair; end of file: the server is gone
inline constexpr int kPlanFd = 4;
inline constexpr int kStdoutFd = 5;
inline constexpr int kStderrFd = 6;
inline constexpr int kImageFd = 7;  // the program itself
inline constexpr int kHandedOver = 3;

inline constexpr std::uint8_t kBindOptional = 1;  // skip if the source is missing
inline constexpr std::uint8_t kBindDevice = 2;    // a device node: keep it usable as one

struct PlanBind {
  std::string source;
  std::string target;
  std::uint8_t flags = 0;
};

struct PlanPair {  // a symbolic link (path, where it points) or a file (path, bytes)
  std::string path;
  std::string value;
};

inline constexpr std::uint8_t kListenTcp = 0;
inline constexpr std::uint8_t kBindUdp = 1;
inline constexpr std::uint8_t kTcpUnbound = 2;

struct PlanListener {
  std::uint8_t kind = kListenTcp;
  std::string address;
  std::uint16_t port = 0;
};

struct PlanCommand {
  std::vector<std::string> argv;
};

struct Plan {
  std::uint8_t user_namespace = 1;
  std::uint8_t map_self = 0;  // may map the caller's own ids only (not privileged)
  std::uint32_t host_uid = 0;
  std::uint32_t host_gid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;

  std::vector<std::string> argv;        // empty: stop right before the start (a trial run)
  std::vector<PlanCommand> companions;  // with any, the main process waits for kProceed
  std::uint8_t merge_output = 0;        // the main process has one pipe only
  std::vector<std::string> environment;
  std::string cwd;
  std::string hostname;

  std::vector<PlanBind> binds;
  std::vector<PlanPair> links;
  std::vector<PlanPair> files;
  std::vector<PlanListener> listeners;

  std::uint8_t private_proc = 1;
  std::uint64_t root_bytes = 0;
  std::uint64_t tmp_bytes = 0;
  std::uint64_t shm_bytes = 0;
  std::uint32_t processes = 0;
  std::uint32_t open_files = 0;
  std::uint64_t polled_memory_bytes = 0;  // 0: a cgroup keeps the memory limit
  std::vector<std::string> cgroup_files;  // where to write the pid, if the init is not there yet
  std::string seccomp;                    // sock_filter[] as bytes; empty: none
};

std::string encode(const Plan& plan);
// nullopt if the bytes are not a whole plan.
std::optional<Plan> decode(std::string_view bytes);

enum class MessageKind : std::uint32_t {
  kPid,        // value: the process 1 of the sandbox as the host numbers it
  kListeners,  // descriptors attached, in the plan's order; value: a bit for each one missing
  kStarted,    // the main process runs
  kFailed,     // value: errno; text: doing what
  kEnded,      // value: wait status
};

struct Message {
  MessageKind kind = MessageKind::kFailed;
  std::int32_t value = 0;
  std::int32_t companion = -1;  // that ended, and the rest with it
  std::uint64_t mask = 0;
  std::uint8_t out_of_memory = 0;  // by polling
  std::uint64_t memory_peak_bytes = 0;
  std::uint64_t cpu_ns = 0;
  char text[240] = {};
};

// Commands of the server, one byte each.
inline constexpr char kFreeze = 'f';
inline constexpr char kThaw = 't';
inline constexpr char kProceed = 'p';   // start the main process
inline constexpr char kWindDown = 'w';  // companions may end

}  // namespace sandbox::init

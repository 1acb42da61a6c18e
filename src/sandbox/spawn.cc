#include "sandbox/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "sandbox/init_image.h"

namespace sandbox {
namespace {

struct Ends {
  Fd ours;
  Fd theirs;
};

base::Result<Ends> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return base::errno_error("make a pipe", errno);
  Ends ends{Fd(fds[0]), Fd(fds[1])};
  // Only our end: the two ends of a pipe have flags of their own.
  if (::fcntl(ends.ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    return base::errno_error("make a pipe non-blocking", errno);
  }
  ASSIGN_OR_RETURN(ends.theirs, lifted(std::move(ends.theirs)));
  return ends;
}

base::Result<Ends> make_control() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    return base::errno_error("make a socket pair", errno);
  }
  Ends ends{Fd(fds[0]), Fd(fds[1])};
  ASSIGN_OR_RETURN(ends.theirs, lifted(std::move(ends.theirs)));
  return ends;
}

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  posix_spawn_file_actions_t* get() { return &actions_; }
  void place(const Fd& fd, int at) { ::posix_spawn_file_actions_adddup2(&actions_, fd.get(), at); }
  // To close what may not be open is an error, hence the detour.
  void leave_free(int fd) {
    ::posix_spawn_file_actions_adddup2(&actions_, 0, fd);
    ::posix_spawn_file_actions_addclose(&actions_, fd);
  }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  // No signal blocked or ignored, whatever the server has set.
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

base::Result<Spawned> spawn_init(const Fd& image, const std::vector<std::string>& cgroup_files) {
  ASSIGN_OR_RETURN(Ends control, make_control());
  FileActions actions;
  for (int fd = 0; fd < init::kControlFd; ++fd) {
    ::posix_spawn_file_actions_addopen(actions.get(), fd, "/dev/null", O_RDWR, 0);
  }
  actions.place(control.theirs, init::kControlFd);
  actions.place(image, init::kImageFd);
  for (int fd = init::kControlFd + 1; fd < init::kImageFd; ++fd) actions.leave_free(fd);
  ::posix_spawn_file_actions_addclosefrom_np(actions.get(), init::kImageFd + 1);

  const std::string path = fmt::format("/proc/self/fd/{}", init::kImageFd);
  char name[] = "sandbox-init";
  std::vector<char*> argv = {name};
  for (const std::string& file : cgroup_files) argv.push_back(const_cast<char*>(file.c_str()));
  argv.push_back(nullptr);
  char* const environment[] = {nullptr};
  const Attributes attributes;
  Spawned spawned;
  const int result = ::posix_spawn(&spawned.outer, path.c_str(), actions.get(), attributes.get(),
                                   argv.data(), environment);
  if (result != 0) return base::errno_error("start the sandbox's init", result);
  spawned.control = std::move(control.ours);
  return spawned;
}

base::Result<Output> hand_over(const Fd& control, const init::Plan& plan, bool merge_output) {
  ASSIGN_OR_RETURN(const Fd plan_file, make_memory_file("sandbox-plan", init::encode(plan), false));
  ASSIGN_OR_RETURN(Ends out, make_pipe());
  Ends err;
  if (!merge_output) {
    ASSIGN_OR_RETURN(err, make_pipe());
  }
  const Fd& second = merge_output ? out.theirs : err.theirs;
  const std::array<int, init::kHandedOver> fds = {plan_file.get(), out.theirs.get(), second.get()};
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> room{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.data();
  header.msg_controllen = room.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
  if (::sendmsg(control.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
    return base::errno_error("give the sandbox's init its plan", errno);
  }
  return Output{std::move(out.ours), std::move(err.ours)};
}

Received receive(const Fd& control) {
  Received received;
  iovec part{&received.heard.message, sizeof received.heard.message};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 128)> room{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.data();
  header.msg_controllen = room.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(control.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return received;
  for (cmsghdr* one = CMSG_FIRSTHDR(&header); size >= 0 && one != nullptr;
       one = CMSG_NXTHDR(&header, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    std::vector<int> fds((one->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(fds.data(), CMSG_DATA(one), fds.size() * sizeof(int));
    for (const int fd : fds) received.heard.descriptors.emplace_back(fd);
  }
  // Reset by a peer that died with unread commands is an end as well.
  const bool whole = size == static_cast<ssize_t>(sizeof received.heard.message);
  received.hearing = whole ? Hearing::kMessage : Hearing::kEnd;
  received.heard.message.text[sizeof received.heard.message.text - 1] = '\0';
  return received;
}

base::Error failure_of(const init::Message& message) {
  base::ErrorCode code = base::ErrorCode::kIo;
  switch (message.value) {
    case ENOENT: code = base::ErrorCode::kNotFound; break;
    case EACCES:
    case EPERM:
    case ENOEXEC: code = base::ErrorCode::kPermission; break;
    case ENOSPC: code = base::ErrorCode::kNoSpace; break;
    case EINVAL: code = base::ErrorCode::kInvalidArgument; break;
    default: break;
  }
  return {code, fmt::format("sandbox: {}: {}", message.text,
                            std::generic_category().message(message.value))};
}

}  // namespace sandbox

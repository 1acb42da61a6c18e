// The sandbox's init: a small static program that the server carries inside itself and runs from
// memory. It starts as the server's user on the host, makes the namespaces, and its child becomes
// process 1 of the sandbox:
//
//   server ── outer (host)          makes the namespaces, maps the user, joins the cgroups, ends
//         └── inner (process 1)     builds the root, opens the sockets, drops all rights, watches
//              └── the function
//
// The outer one may be started long before there is a plan, to wait in the sandbox's cgroups.
// The inner one is made the server's own child (CLONE_PARENT), so the server watches it directly.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "sandbox/init/outer.h"
#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

// A process that was moved passes its groups on to its children, for nothing; the move itself takes
// the kernel some 10 ms.
void join(const char* file) {
  const int fd = must(::open(file, O_WRONLY | O_CLOEXEC), "open", file);
  must(static_cast<int>(::write(fd, "0", 1)), "write", file);  // whoever writes
  ::close(fd);
}

// Three descriptors come into the places that were left free for them.
void await_plan() {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int) * kHandedOver)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  ssize_t got = 0;
  do {
    got = ::recvmsg(kControlFd, &header, 0);
  } while (got < 0 && errno == EINTR);
  if (got != 1) ::_exit(1);  // the server is gone, or has no use for this one
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  int fds[kHandedOver] = {};
  if (rights != nullptr && rights->cmsg_len == CMSG_LEN(sizeof fds)) {
    std::memcpy(fds, CMSG_DATA(rights), sizeof fds);
  }
  if (fds[0] != kPlanFd || fds[1] != kStdoutFd || fds[2] != kStderrFd) {
    fail("take over the plan", EBADF);
  }
}

Plan read_plan() {
  struct stat about{};
  must(::fstat(kPlanFd, &about), "read the plan");
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, kPlanFd, 0);
  if (bytes == MAP_FAILED) fail("read the plan", errno);
  std::optional<Plan> plan = decode({static_cast<const char*>(bytes), size});
  if (!plan) fail("understand the plan", EINVAL);
  ::munmap(bytes, size);
  ::close(kPlanFd);
  return *std::move(plan);
}

}  // namespace
}  // namespace sandbox::init

int main(int argc, char** argv) {
  ::close(sandbox::init::kImageFd);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "sandbox-init");
  for (int i = 1; i < argc; ++i) sandbox::init::join(argv[i]);
  sandbox::init::await_plan();
  return sandbox::init::run_outer(sandbox::init::read_plan());
}

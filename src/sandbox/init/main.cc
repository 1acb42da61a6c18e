// The sandbox's init: a small static program that the server carries inside itself and runs from
// memory. It starts as the server's user on the host, makes the namespaces, and its child becomes
// process 1 of the sandbox:
//
//   server ── outer (host)          makes the namespaces, maps the user, joins the cgroups, ends
//         └── inner (process 1)     builds the root, opens the sockets, drops all rights, watches
//              └── the function
//
// The inner one is made the server's own child (CLONE_PARENT), so the server watches it directly.

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "sandbox/init/outer.h"
#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

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

int main() {
  ::close(sandbox::init::kImageFd);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "sandbox-init");
  return sandbox::init::run_outer(sandbox::init::read_plan());
}

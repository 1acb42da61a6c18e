#include "sandbox/init/inner.h"

#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "sandbox/init/children.h"
#include "sandbox/init/network.h"
#include "sandbox/init/privileges.h"
#include "sandbox/init/report.h"
#include "sandbox/init/root.h"
#include "sandbox/init/supervisor.h"

namespace sandbox::init {
namespace {

void await_gate(int gate, char expected) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(gate, &byte, 1);
  } while (got < 0 && errno == EINTR);
  // The other side has reported why.
  if (got != 1 || byte != expected) ::_exit(1);
}

}  // namespace

void run_inner(Plan plan, int gate) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();
  must(::sethostname(plan.hostname.data(), plan.hostname.size()), "set the host name");
  await_gate(gate, 'm');

  Sources sources(plan);  // as the server's user, who may enter the folders above them
  become_sandbox_user(plan);
  build_root(plan, std::move(sources));
  open_listeners(plan);
  await_gate(gate, 'g');
  ::close(gate);
  ::unshare(CLONE_NEWCGROUP);  // hides the group's name; without it only the name shows

  set_limits(plan);
  drop_privileges(plan);
  Message started;
  started.kind = MessageKind::kStarted;
  if (plan.argv.empty()) {
    send(started);
    ::_exit(0);
  }
  // Blocked before the first child exists, so that its end is not missed.
  const int signals = supervisor_signals();
  Children children;
  for (const PlanCommand& companion : plan.companions)
    children.companions.push_back(start_companion(plan, companion));
  if (plan.companions.empty()) {
    children.main = start_main(plan);
    ::close(kStdoutFd);
    ::close(kStderrFd);
  }
  send(started);
  supervise(plan, std::move(children), signals);
}

}  // namespace sandbox::init

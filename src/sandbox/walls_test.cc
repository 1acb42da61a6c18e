// What a sandboxed process cannot reach: files, processes, calls, networks.

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "sandbox/sandbox_fixture.h"

namespace sandbox {
namespace {

// A TCP listener on the host's loopback.
struct HostListener {
  HostListener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd.get(), 1), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  Fd fd;
  std::uint16_t port = 0;
};

bool readable(const Fd& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  return ::poll(&wait, 1, 30'000) == 1;
}

TEST_F(SandboxTest, AllWallsStandOnThisHostOrAreNamed) {
  const Capabilities& found = launcher_->capabilities();
  EXPECT_TRUE(found.usable());
  for (const std::string& text : found.missing) RecordProperty("missing", text);
  EXPECT_EQ(found.complete(), found.user_namespaces && found.private_proc && found.seccomp &&
                                  found.memory_limit && found.process_limit && found.cpu_limit);
}

TEST_F(SandboxTest, SeesOnlyItsOwnProcesses) {
  EXPECT_EQ(run(command({"/bin/sh", "-c", "cd /proc && echo [0-9]*"})).out, "1 2\n");
}

TEST_F(SandboxTest, IsAnOrdinaryUserWithoutRights) {
  Spec spec =
      command({"/bin/sh", "-c", "id -u; id -g; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status"});
  if (!launcher_->capabilities().user_namespaces) GTEST_SKIP() << "no user namespace";
  EXPECT_EQ(run(std::move(spec)).out,
            "993\n990\n"
            "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
            "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

TEST_F(SandboxTest, IsNotTheServersUserWhereTheServerIsRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root";
  const auto first = start(subject({"pause"}));
  const auto second = start(subject({"pause"}));
  struct stat one{}, two{};
  ASSERT_EQ(::stat(fmt::format("/proc/{}", descendants(first->pid()).at(0)).c_str(), &one), 0);
  ASSERT_EQ(::stat(fmt::format("/proc/{}", descendants(second->pid()).at(0)).c_str(), &two), 0);
  EXPECT_GE(one.st_uid, 65'534U);
  EXPECT_NE(one.st_uid, two.st_uid);
}

TEST_F(SandboxTest, SeesNothingOfTheHostsFolders) {
  const TempFolder secret;
  secret.write("secret", "s3cret");
  Spec spec = command({"/bin/sh", "-c",
                       fmt::format("echo /*; ls -A /tmp /var; cat {}/secret /etc/shadow /.host; "
                                   "ls /home /root /work /proc/1/root",
                                   secret.path().string())});
  Outcome outcome = run(std::move(spec));
  EXPECT_EQ(outcome.out.find("home"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("root"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("s3cret"), std::string::npos);
  EXPECT_NE(outcome.out.find("/bin /dev /etc /lib"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("/tmp:\n\n/var:\ntask\n"), std::string::npos) << outcome.out;
}

TEST_F(SandboxTest, MayWriteOnlyToItsTmp) {
  const TempFolder code;
  code.write("handler", "code");
  Spec spec = command({"/bin/sh", "-c",
                       "for f in /var/task/handler /var/task/new /new /etc/passwd /usr/new "
                       "/dev/new /proc/sys/kernel/hostname /proc/sysrq-trigger; do\n"
                       "  (echo x >> $f) 2>/dev/null && echo wrote $f; done\n"
                       "chmod 777 /var/task/handler 2>/dev/null && echo chmod\n"
                       "echo ok > /tmp/x; cat /tmp/x; cat /var/task/handler"});
  spec.code_folder = code.path();
  EXPECT_EQ(run(std::move(spec)).out, "ok\ncode");
}

TEST_F(SandboxTest, HasAnEtcOfItsOwn) {
  Spec spec = command({"/bin/cat", "/etc/resolv.conf", "/etc/hosts", "/opt/ca.pem"});
  spec.hostname = "fn";
  spec.files = {{"/opt/ca.pem", "certificate\n"}};
  EXPECT_EQ(run(std::move(spec)).out,
            "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n"
            "127.0.0.1 localhost fn fn.localdomain\n::1 localhost ip6-localhost\ncertificate\n");
}

TEST_F(SandboxTest, LaysFilesOverThoseOfBoundFolders) {
  Spec spec = command({"/bin/cat", "/usr/bin/env", "/etc/hosts"});
  spec.files = {{"/usr/bin/env", "replaced\n"}, {"/etc/hosts", "mine\n"}};
  EXPECT_EQ(run(std::move(spec)).out, "replaced\nmine\n");
}

// The init follows the link while it still has rights; it must not lead out.
TEST_F(SandboxTest, LinksInTheCodeLeadNowhere) {
  const TempFolder host;
  const TempFolder code;
  std::filesystem::create_directory_symlink("/.host" + host.path().string(), code.path() / "a");
  std::filesystem::create_directory_symlink(host.path(), code.path() / "b");
  for (const char* const link : {"/var/task/a", "/var/task/b"}) {
    Spec spec = command({"/bin/true"});
    spec.code_folder = code.path();
    spec.files = {{std::string(link) + "/planted", "x"}};
    EXPECT_FALSE(try_start(std::move(spec)));
  }
  EXPECT_TRUE(std::filesystem::is_empty(host.path()));
}

TEST_F(SandboxTest, RefusesDangerousCalls) {
  Outcome outcome = run(subject({"calls"}));
  EXPECT_EQ(outcome.exit, Exit{}) << outcome.err;
  EXPECT_EQ(outcome.out.find("=allowed"), std::string::npos) << outcome.out;
  for (const char* const name :
       {"mount", "ptrace", "unshare", "clone", "bpf", "keyctl", "process_vm_readv"}) {
    EXPECT_NE(outcome.out.find(std::string(name) + "=Operation not permitted"), std::string::npos)
        << outcome.out;
  }
}

TEST_F(SandboxTest, HasNoWayToTheHostsLoopback) {
  const HostListener listener;
  Outcome outcome = run(subject({"tcp", "127.0.0.1", std::to_string(listener.port)}));
  EXPECT_EQ(outcome.out, "connect=Connection refused\n");
}

TEST_F(SandboxTest, HasNoWayOutside) {
  EXPECT_EQ(run(subject({"tcp", "10.255.255.1", "80"})).out, "connect=Network is unreachable\n");
  EXPECT_EQ(run(subject({"udp", "8.8.8.8", "53"})).out, "connect=Network is unreachable\n");
}

TEST_F(SandboxTest, ReachesTheServersTcpListeners) {
  Spec spec = subject({"tcp", "127.0.0.1", "443"});
  spec.listeners = {{Protocol::kTcp, "127.0.0.1", 80}, {Protocol::kTcp, "127.0.0.1", 443}};
  const auto process = start(std::move(spec));
  const std::vector<Fd> listeners = process->take_listeners();
  ASSERT_EQ(listeners.size(), 2U);
  ASSERT_TRUE(readable(listeners[1]));
  const Fd connection(::accept4(listeners[1].get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(connection);
  char bytes[8] = {};
  ASSERT_EQ(::read(connection.get(), bytes, sizeof bytes), 4);
  ASSERT_EQ(::write(connection.get(), "pong", 4), 4);
  EXPECT_EQ(read_all(process->take_stdout()), "got pong\n");
}

TEST_F(SandboxTest, ReachesTheServersUdpSockets) {
  Spec spec = subject({"udp", "127.0.0.1", "53"});
  spec.listeners = {{Protocol::kUdp, "127.0.0.1", 53}};
  const auto process = start(std::move(spec));
  const std::vector<Fd> listeners = process->take_listeners();
  ASSERT_EQ(listeners.size(), 1U);
  ASSERT_TRUE(readable(listeners[0]));
  char bytes[8] = {};
  sockaddr_in from{};
  socklen_t size = sizeof from;
  auto* const address = reinterpret_cast<sockaddr*>(&from);
  ASSERT_EQ(::recvfrom(listeners[0].get(), bytes, sizeof bytes, 0, address, &size), 4);
  ASSERT_EQ(::sendto(listeners[0].get(), "pong", 4, 0, address, size), 4);
  EXPECT_EQ(read_all(process->take_stdout()), "got pong\n");
}

TEST_F(SandboxTest, ListensOnIpv6WhereTheHostHasIt) {
  Spec spec = subject({"pause"});
  spec.listeners = {{Protocol::kTcp, "::1", 443}, {Protocol::kTcp, "127.0.0.1", 443}};
  const auto process = start(std::move(spec));
  const std::vector<Fd> listeners = process->take_listeners();
  ASSERT_EQ(listeners.size(), 2U);
  EXPECT_EQ(static_cast<bool>(listeners[0]), std::filesystem::exists("/proc/net/if_inet6"));
  EXPECT_TRUE(listeners[1]);
}

TEST_F(SandboxTest, CannotReachAnotherSandbox) {
  Spec serving = subject({"pause"});
  serving.listeners = {{Protocol::kTcp, "127.0.0.1", 9001}};
  const auto other = start(std::move(serving));
  EXPECT_EQ(run(subject({"tcp", "127.0.0.1", "9001"})).out, "connect=Connection refused\n");
}

}  // namespace
}  // namespace sandbox

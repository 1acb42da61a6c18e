// What a sandboxed process gets: its command, its environment, its output, its end.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>

#include "sandbox/sandbox_fixture.h"

namespace sandbox {
namespace {

TEST_F(SandboxTest, RunsACommandAndHandsOverItsOutput) {
  Outcome outcome = run(command({"/bin/echo", "hello", "there"}));
  EXPECT_EQ(outcome.exit, Exit{});
  EXPECT_EQ(outcome.out, "hello there\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(SandboxTest, TellsTheExitCode) {
  EXPECT_EQ(run(subject({"exit", "42"})).exit, (Exit{.code = 42}));
}

TEST_F(SandboxTest, TellsTheSignal) {
  EXPECT_EQ(run(subject({"abort"})).exit, (Exit{.signal = SIGABRT}));
}

TEST_F(SandboxTest, PassesExactlyTheEnvironment) {
  Spec spec = subject({"environment"});
  spec.environment = {"A=1", "EMPTY=", "B=two words"};
  EXPECT_EQ(run(std::move(spec)).out, "A=1\nEMPTY=\nB=two words\n");
}

TEST_F(SandboxTest, KeepsTheTwoOutputsApart) {
  Outcome outcome = run(command({"/bin/sh", "-c", "echo out; echo err >&2"}));
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
}

TEST_F(SandboxTest, MergesTheTwoOutputsInOrderIfAsked) {
  Spec spec = command({"/bin/sh", "-c", "echo 1; echo 2 >&2; echo 3"});
  spec.merge_output = true;
  EXPECT_EQ(run(std::move(spec)).out, "1\n2\n3\n");
}

TEST_F(SandboxTest, GivesNothingToReadAndNoOtherDescriptor) {
  EXPECT_EQ(run(command({"/bin/sh", "-c", "cat; ls /proc/self/fd"})).out, "0\n1\n2\n3\n");
}

TEST_F(SandboxTest, StartsInTheFolderAsked) {
  Spec spec = command({"/bin/pwd"});
  EXPECT_EQ(run(spec).out, "/var/task\n");
  spec.cwd = "/tmp";
  EXPECT_EQ(run(std::move(spec)).out, "/tmp\n");
}

TEST_F(SandboxTest, RefusesAMissingProgram) {
  auto process = try_start(command({"/var/task/nothing"}));
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, base::ErrorCode::kNotFound) << process.error().message;
}

TEST_F(SandboxTest, RefusesAProgramThatIsNotExecutable) {
  auto process = try_start(command({"/etc/passwd"}));
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, base::ErrorCode::kPermission) << process.error().message;
}

TEST_F(SandboxTest, RefusesAMissingBind) {
  Spec spec = command({"/bin/true"});
  spec.binds = {{"/nowhere/at/all", "/opt"}};
  auto process = try_start(spec);
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, base::ErrorCode::kNotFound) << process.error().message;
  spec.binds[0].optional = true;
  EXPECT_EQ(run(std::move(spec)).exit, Exit{});
}

TEST_F(SandboxTest, RefusesASpecThatCanNeverWork) {
  Spec relative = command({"true"});
  EXPECT_EQ(try_start(relative).error().code, base::ErrorCode::kInvalidArgument);
  Spec escaping = command({"/bin/true"});
  escaping.binds = {{"/usr", "/opt/../../x"}};
  EXPECT_EQ(try_start(escaping).error().code, base::ErrorCode::kInvalidArgument);
  Spec outside = command({"/bin/true"});
  outside.listeners = {{Protocol::kTcp, "0.0.0.0", 80}};
  EXPECT_EQ(try_start(outside).error().code, base::ErrorCode::kInvalidArgument);
  Spec unnamed = command({"/bin/true"});
  unnamed.environment = {"NOVALUE"};
  EXPECT_EQ(try_start(unnamed).error().code, base::ErrorCode::kInvalidArgument);
}

TEST_F(SandboxTest, RunsPython) {
  if (!std::filesystem::exists("/usr/bin/python3")) GTEST_SKIP() << "no python3";
  Outcome outcome = run(command({"/usr/bin/python3", "-c",
                                 "import ssl, threading, subprocess, json\n"
                                 "t = threading.Thread(target=lambda: print('thread'))\n"
                                 "t.start(); t.join()\n"
                                 "print(subprocess.check_output(['/bin/echo', 'child']))"}));
  EXPECT_EQ(outcome.out, "thread\nb'child\\n'\n") << outcome.err;
}

TEST_F(SandboxTest, RunsNode) {
  if (!std::filesystem::exists("/usr/bin/node")) GTEST_SKIP() << "no node";
  Spec spec = command({"/usr/bin/node", "-e",
                       "require('fs').promises.readFile('/etc/hostname', 'utf8')"
                       ".then(t => console.log(t.trim(), typeof require('crypto').randomUUID()))"});
  Outcome outcome = run(std::move(spec));
  EXPECT_EQ(outcome.out, "sandbox string\n") << outcome.err;
}

TEST_F(SandboxTest, RunsJava) {
  if (!std::filesystem::exists("/usr/bin/java")) GTEST_SKIP() << "no java";
  Spec spec = command({"/usr/bin/java", "-Xmx64m", "-version"});
  spec.limits.memory_bytes = 512ULL << 20;
  Outcome outcome = run(std::move(spec));
  EXPECT_EQ(outcome.exit, Exit{}) << outcome.out << outcome.err;
}

TEST_F(SandboxTest, RunsAnInterpreterFromAPrivateFolder) {
  const TempFolder outer;
  std::filesystem::create_directories(outer.path() / "private/tool");
  outer.write("private/tool/run", "#!/bin/sh\necho found\n");
  std::filesystem::permissions(outer.path() / "private", std::filesystem::perms::owner_all);
  Spec spec = command({"/var/runtime/run"});
  spec.binds = {{outer.path() / "private/tool", "/var/runtime"}};
  EXPECT_EQ(run(std::move(spec)).out, "found\n");
}

TEST_F(SandboxTest, StartsTheMainProcessWhenItsCompanionsAreReady) {
  Spec spec = command({"/bin/echo", "main"});
  spec.merge_output = true;
  spec.companions = {{"/bin/sh", "-c", "echo one; exec sleep 100"},
                     {"/bin/sh", "-c", "sleep 0.2; echo two; exec sleep 100"}};
  auto process = start(std::move(spec));
  const Fd out = process->take_stdout();
  const Fd err = process->take_stderr();
  EXPECT_EQ(read_line(err), "one\n");
  EXPECT_EQ(read_line(err), "two\n");
  process->proceed();
  EXPECT_EQ(read_all(out), "main\n");
  EXPECT_EQ(wait(*process), Exit{});
}

TEST_F(SandboxTest, EndsWithACompanionAndTellsWhich) {
  Spec spec = subject({"pause"});
  spec.companions = {{"/bin/sleep", "100"}, {"/bin/sh", "-c", "exit 3"}};
  auto process = start(std::move(spec));
  EXPECT_EQ(wait(*process), (Exit{.code = 3, .companion = 1}));
}

TEST_F(SandboxTest, TellsThatTheMainProcessCouldNotBeRunAfterItsCompanions) {
  Spec spec = command({"/var/task/nothing"});
  spec.companions = {{"/bin/sleep", "100"}};
  auto process = start(std::move(spec));
  process->proceed();
  EXPECT_EQ(wait(*process), (Exit{.code = 127}));
}

TEST_F(SandboxTest, WindsDownUntilTheLastCompanionHasEnded) {
  Spec spec = command(
      {"/bin/sh", "-c", "trap 'echo term; exit' TERM; echo up; while :; do sleep 0.05; done"});
  spec.companions = {{"/bin/sh", "-c", "sleep 0.6; echo late"}, {"/bin/sh", "-c", "sleep 0.4"}};
  auto process = start(std::move(spec));
  const Fd out = process->take_stdout();
  const Fd err = process->take_stderr();
  process->proceed();
  EXPECT_EQ(read_line(out), "up\n");
  process->wind_down();
  EXPECT_EQ(read_line(out), "term\n");
  EXPECT_EQ(read_all(err), "late\n");
  EXPECT_EQ(wait(*process), Exit{});
}

TEST_F(SandboxTest, RefusesAMissingCompanion) {
  Spec spec = command({"/bin/true"});
  spec.companions = {{"/opt/extensions/nothing"}};
  auto process = try_start(std::move(spec));
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, base::ErrorCode::kNotFound) << process.error().message;
}

TEST_F(SandboxTest, GivesSocketsThatReachWhatListensInside) {
  Spec spec = command({"/usr/bin/python3", "-c",
                       "import socket\n"
                       "s = socket.create_server(('sandbox.localdomain', 8080))\n"
                       "print('up', flush=True)\n"
                       "for _ in range(2):\n"
                       "    c, _ = s.accept()\n"
                       "    print(c.recv(10).decode(), flush=True)\n"
                       "    c.close()\n"});
  spec.listeners = {{.protocol = Protocol::kTcpOut}};
  auto process = start(std::move(spec));
  const Fd out = process->take_stdout();
  EXPECT_EQ(read_line(out), "up\n");
  auto sockets = process->take_listeners();
  ASSERT_EQ(sockets.size(), 1U);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(8080);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  for (const char* const word : {"first", "again"}) {
    ASSERT_EQ(::connect(sockets[0].get(), &nowhere, sizeof nowhere), 0);
    const int connected =
        ::connect(sockets[0].get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ASSERT_TRUE(connected == 0 || errno == EINPROGRESS) << errno;
    ASSERT_TRUE(eventually([&] { return ::send(sockets[0].get(), word, 5, MSG_NOSIGNAL) == 5; }));
    EXPECT_EQ(read_line(out), std::string(word) + "\n");
  }
  EXPECT_EQ(wait(*process), Exit{});
}

}  // namespace
}  // namespace sandbox

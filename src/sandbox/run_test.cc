// What a sandboxed process gets: its command, its environment, its output, its end.

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

}  // namespace
}  // namespace sandbox

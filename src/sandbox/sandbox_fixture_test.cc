#include "sandbox/sandbox_fixture.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace sandbox {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

}  // namespace

std::string read_all(const Fd& fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    pollfd wait{fd.get(), POLLIN, 0};
    if (::poll(&wait, 1, 30'000) <= 0) {
      ADD_FAILURE() << "nothing to read";
      return text;
    }
    const ssize_t size = ::read(fd.get(), buffer, sizeof buffer);
    if (size <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

std::string read_line(const Fd& fd) {
  std::string text;
  while (!text.ends_with('\n')) {
    pollfd wait{fd.get(), POLLIN, 0};
    char byte = 0;
    if (::poll(&wait, 1, 30'000) <= 0 || ::read(fd.get(), &byte, 1) != 1) {
      ADD_FAILURE() << "no line, but: " << text;
      return text;
    }
    text += byte;
  }
  return text;
}

bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::vector<pid_t> descendants(pid_t pid) {
  std::vector<pid_t> all{pid};
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::error_code gone;
    const std::string threads = fmt::format("/proc/{}/task", all[i]);
    for (const auto& thread : std::filesystem::directory_iterator(threads, gone)) {
      std::ifstream children(thread.path() / "children");
      for (pid_t child = 0; children >> child;) all.push_back(child);
    }
  }
  all.erase(all.begin());
  return all;
}

char state_of(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  const std::string stat(std::istreambuf_iterator<char>(in), {});
  const std::size_t name_end = stat.rfind(')');
  return name_end == std::string::npos ? '?' : stat[name_end + 2];
}

bool is_gone(pid_t pid) {
  const char state = state_of(pid);
  return state == '?' || state == 'Z' || state == 'X';
}

TempFolder::TempFolder() {
  char name[] = "/tmp/sandbox_test_XXXXXX";
  path_ = ::mkdtemp(name);
  ::chmod(name, 0755);
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
void TempFolder::write(const std::string& name, const std::string& bytes) const {
  std::ofstream(path_ / name) << bytes;
  ::chmod((path_ / name).c_str(), 0755);
}

HostConfig SandboxTest::config() {
  HostConfig config;
  config.id = fmt::format("test-{}", ::getpid());
  return config;
}

void SandboxTest::SetUp() {
  core_.start();
  auto launcher = HostLauncher::create(config());
  ASSERT_TRUE(launcher) << launcher.error().message;
  launcher_ = *std::move(launcher);
}

void SandboxTest::TearDown() {
  launcher_.reset();
  core_.stop();
}

Spec SandboxTest::subject(std::vector<std::string> arguments) {
  Spec spec = command({"/var/task/sandbox_subject"});
  spec.code_folder = MILLRACE_SANDBOX_SUBJECT;
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  return spec;
}

Spec SandboxTest::command(std::vector<std::string> argv) {
  Spec spec;
  spec.name = testing::UnitTest::GetInstance()->current_test_info()->name();
  spec.argv = std::move(argv);
  spec.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  return spec;
}

base::Result<std::unique_ptr<Process>> SandboxTest::try_start(Spec spec) {
  return async::wait_for(core_, launcher_->start(std::move(spec)));
}

std::unique_ptr<Process> SandboxTest::start(Spec spec) {
  auto process = try_start(std::move(spec));
  if (!process) {
    ADD_FAILURE() << process.error().message;
    std::abort();
  }
  return *std::move(process);
}

Exit SandboxTest::wait(Process& process) { return async::wait_for(core_, process.wait()); }

Outcome SandboxTest::run(Spec spec) {
  const bool merged = spec.merge_output;
  const std::unique_ptr<Process> process = start(std::move(spec));
  Outcome outcome;
  outcome.out = read_all(process->take_stdout());
  if (!merged) outcome.err = read_all(process->take_stderr());
  outcome.exit = wait(*process);
  outcome.usage = process->usage();
  return outcome;
}

}  // namespace sandbox

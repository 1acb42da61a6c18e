#include "functions/java_classes.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "functions/bootstraps.h"
#include "sandbox/fd.h"

namespace functions {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kCompilerTime{60'000};
constexpr std::size_t kSaidBytesMax = 2000;  // of what a compiler says, for a message
// For everybody: functions run as another user.
constexpr fs::perms kFolderRights = static_cast<fs::perms>(0755);
constexpr fs::perms kFileRights = static_cast<fs::perms>(0644);

base::Status write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return base::error(base::ErrorCode::kIo, "cannot write " + path);
  return {};
}

std::string read_start(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(text).str().substr(0, kSaidBytesMax);
}

// Its standard output and error go to a file. It sees nothing of the server's environment.
base::Result<pid_t> start(std::vector<std::string> command, const std::string& output) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string language = "LANG=C.UTF-8";
  std::array<char*, 2> environment = {language.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int failed =
      ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return base::error(base::ErrorCode::kUnavailable, "cannot start " + command[0]);
  return pid;
}

// How it ended, as wait() tells it; -1: not in time, and it was killed.
int wait_for_end(pid_t pid) {
  const sandbox::Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd end{.fd = handle.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do ready = ::poll(&end, 1, static_cast<int>(kCompilerTime.count()));
  while (ready < 0 && errno == EINTR);
  const bool ended = ready > 0;
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return ended ? status : -1;
}

base::Status open_to_everybody(const std::string& folder) {
  std::error_code error;
  fs::permissions(folder, kFolderRights, error);
  if (!error)
    for (const auto& entry : fs::directory_iterator(folder, error))
      fs::permissions(entry.path(), kFileRights, error);
  if (error) return base::error(base::ErrorCode::kIo, folder + ": " + error.message());
  return {};
}

}  // namespace

JavaClasses::JavaClasses(std::string folder, async::BlockingPool& pool)
    : folder_(std::move(folder)), pool_(pool) {}

async::Task<base::Result<std::string>> JavaClasses::find(std::string javac) {
  const auto lock = co_await mutex_.lock();
  if (!compiled_) {
    auto done = co_await pool_.run([this, &javac] { return compile(javac); });
    if (!done) co_return std::unexpected(done.error());
    compiled_ = true;
  }
  co_return folder_ + "/classes";
}

base::Status JavaClasses::compile(const std::string& javac) const {
  const std::string classes = folder_ + "/classes";
  const std::string source = folder_ + '/' + kJavaMainClass + ".java";
  const std::string output = folder_ + "/javac.log";
  std::error_code error;
  fs::remove_all(folder_, error);
  fs::create_directories(classes, error);
  if (error) return base::error(base::ErrorCode::kIo, folder_ + ": " + error.message());
  RETURN_IF_ERROR(write_text(source, java_bootstrap()));
  // Concatenation as code of its own starts faster than what the JVM would make up when it runs.
  ASSIGN_OR_RETURN(const pid_t pid,
                   start({javac, "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-J-Xmx256m",
                          "-J-XX:-UsePerfData", "-XDstringConcat=inline", "-encoding", "UTF-8",
                          "-proc:none", "-cp", classes, "-d", classes, source},
                         output));
  const int status = wait_for_end(pid);
  if (status == -1) return base::error(base::ErrorCode::kTimeout, javac + " takes too long");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return base::error(base::ErrorCode::kUnavailable, javac + " failed: " + read_start(output));
  return open_to_everybody(classes);
}

}  // namespace functions

#pragma once

// For this module's tests only: a launcher on the real kernel, and ways to run things in it and to
// wait for what they do.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/asio_core.h"
#include "sandbox/host_launcher.h"

namespace sandbox {

// Reads until end of file, or fails the test after a while.
std::string read_all(const Fd& fd);
// Reads up to and with the first newline.
std::string read_line(const Fd& fd);
// Waits until `holds`; false if that takes too long.
bool eventually(const std::function<bool()>& holds);
// The processes below `pid`, as the host numbers them.
std::vector<pid_t> descendants(pid_t pid);
// No such process, or one that only waits to be reaped.
bool is_gone(pid_t pid);
// 'R', 'S', 'T', ...; '?' if there is none.
char state_of(pid_t pid);

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& bytes) const;

 private:
  std::filesystem::path path_;
};

struct Outcome {
  Exit exit;
  std::string out;
  std::string err;
  Usage usage;
};

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  static HostConfig config();
  // The test program with these arguments, at /var/task.
  static Spec subject(std::vector<std::string> arguments);
  static Spec command(std::vector<std::string> argv);

  base::Result<std::unique_ptr<Process>> try_start(Spec spec);
  std::unique_ptr<Process> start(Spec spec);
  Exit wait(Process& process);
  // Starts it, reads all it prints, waits for its end.
  Outcome run(Spec spec);

  async::AsioCore core_;
  std::unique_ptr<HostLauncher> launcher_;
};

}  // namespace sandbox

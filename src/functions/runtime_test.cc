#include "functions/runtime.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "async/asio_core.h"

namespace functions {
namespace {

namespace fs = std::filesystem;

class RuntimesTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = "millrace-runtimes-" + std::to_string(::getpid());
    folder_ = fs::canonical(fs::temp_directory_path()) / name;
    fs::create_directories(folder_ / "jdk/bin");
    core_.start();
  }
  void TearDown() override {
    core_.stop();
    fs::remove_all(folder_);
  }

  std::string program(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / name;
    std::ofstream(path) << "#!/bin/sh\n" << text;
    fs::permissions(path, static_cast<fs::perms>(0755));
    return path;
  }
  RuntimeSettings with_java() {
    RuntimeSettings settings;
    settings.java = program("jdk/bin/java", "exit 0\n");
    settings.java_classes_dir = folder_ / "classes-of-java";
    settings.pool = &pool_;
    return settings;
  }
  base::Result<Launch> launch(const Runtimes& runtimes, std::string runtime) {
    return async::wait_for(core_, runtimes.launch({.runtime = std::move(runtime),
                                                   .code_folder = folder_,
                                                   .layers_folder = {},
                                                   .memory_mb = 512}));
  }

  fs::path folder_;
  async::AsioCore core_;
  async::BlockingPool pool_{2};
};

// What our compiler gets: the source is its last argument, the folder for classes the one before.
constexpr const char* kCompiler =
    "for last; do folder=$before; before=$last; done\n"
    "echo compiled >> $(dirname $last)/count\n"
    "grep -q 'final class MillraceBootstrap' $last && echo x > $folder/MillraceBootstrap.class\n";

TEST_F(RuntimesTest, JavaIsCompiledOnceAndBound) {
  Runtimes runtimes(with_java());
  program("jdk/bin/javac", kCompiler);
  for (const char* const name : {"java21", "java8.al2"}) {
    const auto made = launch(runtimes, name);
    ASSERT_TRUE(made) << made.error().message;
    const std::string jdk = folder_ / "jdk";
    EXPECT_EQ(made->argv.front(), jdk + "/bin/java");
    EXPECT_EQ(made->argv.back(), "MillraceBootstrap");
    EXPECT_NE(std::ranges::find(made->argv, "-Xmx384m"), made->argv.end());
    ASSERT_EQ(made->binds.size(), 2U);
    EXPECT_EQ(made->binds[0].target, "/var/runtime/java");
    EXPECT_TRUE(fs::exists(made->binds[0].source + "/MillraceBootstrap.class"));
    EXPECT_EQ(made->binds[1].source, jdk);
    EXPECT_EQ(made->binds[1].target, jdk);
  }
  std::string line;
  std::ifstream count(folder_ / "classes-of-java/count");
  EXPECT_TRUE(std::getline(count, line));
  EXPECT_FALSE(std::getline(count, line));
}

TEST_F(RuntimesTest, ACompilerThatFailsIsToldAndTriedAgain) {
  Runtimes runtimes(with_java());
  program("jdk/bin/javac", "echo 'no room' >&2; exit 1\n");
  const auto failed = launch(runtimes, "java17");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, base::ErrorCode::kUnavailable);
  EXPECT_NE(failed.error().message.find("no room"), std::string::npos) << failed.error().message;
  program("jdk/bin/javac", kCompiler);
  EXPECT_TRUE(launch(runtimes, "java17"));
}

TEST_F(RuntimesTest, SaysWhatToInstall) {
  RuntimeSettings settings = with_java();
  const Runtimes without_compiler(settings);
  const auto jre = launch(without_compiler, "java17");
  ASSERT_FALSE(jre);
  EXPECT_EQ(jre.error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(jre.error().message,
            "the Java of this machine has no compiler, it is no JDK: "
            "apt-get install default-jdk-headless");
  settings.java = settings.node = settings.python = folder_ / "absent";
  const Runtimes without_any(settings);
  for (const char* const name : {"java11", "nodejs20.x", "python3.12"}) {
    const auto absent = launch(without_any, name);
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, base::ErrorCode::kNotFound);
    EXPECT_NE(absent.error().message.find("apt-get install"), std::string::npos);
  }
  const auto other = launch(without_any, "dotnet8");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, base::ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace functions

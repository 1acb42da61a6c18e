#include "functions/runtime.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "functions/bootstraps.h"
#include "functions/java_classes.h"

namespace functions {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNodeScript = "/var/runtime/index.mjs";
constexpr const char* kPythonScript = "/var/runtime/bootstrap.py";
constexpr const char* kJavaClasses = "/var/runtime/java";

bool is_program(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

// Programs below /usr are there inside every sandbox; one from elsewhere brings its own folder.
std::string find_program(const std::string& configured, std::initializer_list<const char*> usual) {
  if (!configured.empty()) return is_program(configured) ? configured : std::string();
  for (const char* const path : usual)
    if (is_program(path)) return path;
  return {};
}

// /opt/node/bin/node -> a bind of /opt/node.
void bind_home(Launch& launch, const std::string& program) {
  std::error_code error;
  const fs::path real = fs::canonical(program, error);
  if (error || real.string().starts_with("/usr/") || real.string().starts_with("/bin/")) return;
  const std::string home = real.parent_path().parent_path();
  launch.binds.push_back({.source = home, .target = home});
  launch.argv[0] = real;
}

// The version in nodejs20.x is 20, in python3.12 3.12: what layers name their folders after.
std::string version_of(std::string_view runtime) {
  runtime.remove_prefix(std::min(runtime.size(), std::string_view("nodejs").size()));
  return std::string(runtime.substr(0, runtime.find(".x")));
}

}  // namespace

RuntimeFamily family_of(std::string_view runtime) {
  if (runtime.starts_with("provided") || runtime == "go1.x") return RuntimeFamily::kProvided;
  if (runtime.starts_with("nodejs")) return RuntimeFamily::kNode;
  if (runtime.starts_with("python")) return RuntimeFamily::kPython;
  if (runtime.starts_with("java")) return RuntimeFamily::kJava;
  return RuntimeFamily::kOther;
}

Runtimes::Runtimes(RuntimeSettings settings) : settings_(std::move(settings)) {
  if (!settings_.java_classes_dir.empty() && settings_.pool != nullptr)
    java_classes_ = std::make_unique<JavaClasses>(settings_.java_classes_dir, *settings_.pool);
}

Runtimes::~Runtimes() = default;

async::Task<base::Result<Launch>> Runtimes::launch(Wanted wanted) const {
  switch (family_of(wanted.runtime)) {
    case RuntimeFamily::kProvided: co_return provided(wanted);
    case RuntimeFamily::kNode: co_return node(wanted.runtime);
    case RuntimeFamily::kPython: co_return python(wanted.runtime);
    case RuntimeFamily::kJava: {
      auto launch = co_await java(wanted.memory_mb);
      co_return launch;
    }
    case RuntimeFamily::kOther: break;
  }
  co_return base::error(
      base::ErrorCode::kInvalidArgument,
      "the runtime " + wanted.runtime +
          " does not run here: use provided.al2023, a Node.js, a Python or a Java one");
}

base::Result<Launch> Runtimes::provided(const Wanted& wanted) {
  std::string program;
  if (is_program(wanted.code_folder + "/bootstrap")) program = "/var/task/bootstrap";
  else if (!wanted.layers_folder.empty() && is_program(wanted.layers_folder + "/bootstrap"))
    program = "/opt/bootstrap";
  if (program.empty())
    return base::error(base::ErrorCode::kNotFound,
                       "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
  return Launch{.argv = {program}, .environment = {}, .binds = {}, .files = {}};
}

base::Result<Launch> Runtimes::node(std::string_view runtime) const {
  const std::string program =
      find_program(settings_.node, {"/usr/bin/node", "/usr/bin/nodejs", "/usr/local/bin/node"});
  if (program.empty())
    return base::error(base::ErrorCode::kNotFound,
                       "Node.js is not installed on this machine: apt-get install nodejs");
  Launch launch;
  launch.argv = {program, kNodeScript};
  launch.environment = {
      "NODE_PATH=/opt/nodejs/node" + version_of(runtime) +
      "/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"};
  launch.files.push_back({kNodeScript, std::string(node_bootstrap())});
  if (!settings_.runtimes_dir.empty()) {
    const std::string modules = settings_.runtimes_dir + "/node/node_modules";
    launch.binds.push_back({modules, "/var/runtime/node_modules", true});
    // ES modules look in the folders above them, not in NODE_PATH.
    launch.binds.push_back({modules, "/var/node_modules", true});
  }
  bind_home(launch, program);
  return launch;
}

base::Result<Launch> Runtimes::python(std::string_view runtime) const {
  const std::string program =
      find_program(settings_.python, {"/usr/bin/python3", "/usr/local/bin/python3"});
  if (program.empty())
    return base::error(base::ErrorCode::kNotFound,
                       "Python is not installed on this machine: apt-get install python3");
  Launch launch;
  launch.argv = {program, kPythonScript};
  launch.environment = {"PYTHONPATH=/var/task:/opt/python/lib/python" + version_of(runtime) +
                            "/site-packages:/opt/python:/var/runtime/python",
                        "PYTHONDONTWRITEBYTECODE=1"};
  launch.files.push_back({kPythonScript, std::string(python_bootstrap())});
  if (!settings_.runtimes_dir.empty())
    launch.binds.push_back({settings_.runtimes_dir + "/python", "/var/runtime/python", true});
  bind_home(launch, program);
  return launch;
}

// Debian's JDK has links into /etc/java-*, which every sandbox sees.
async::Task<base::Result<Launch>> Runtimes::java(std::int32_t memory_mb) const {
  const std::string found = find_program(settings_.java, {"/usr/bin/java", "/usr/local/bin/java"});
  std::error_code error;
  const fs::path program = found.empty() ? fs::path() : fs::canonical(found, error);
  if (error || program.empty())
    co_return base::error(base::ErrorCode::kNotFound,
                          "Java is not installed on this machine: "
                          "apt-get install default-jdk-headless");
  const std::string javac = program.parent_path() / "javac";
  if (!is_program(javac))
    co_return base::error(base::ErrorCode::kNotFound,
                          "the Java of this machine has no compiler, it is no JDK: "
                          "apt-get install default-jdk-headless");
  if (java_classes_ == nullptr)
    co_return base::error(base::ErrorCode::kInvalidArgument,
                          "Java functions need a folder for the runtime's classes");
  auto classes = co_await java_classes_->find(javac);
  if (!classes) co_return std::unexpected(classes.error());
  Launch launch;
  launch.argv = {program,
                 "-XX:TieredStopAtLevel=1",
                 "-XX:+UseSerialGC",
                 "-XX:-UsePerfData",
                 "-Xshare:auto",
                 fmt::format("-Xmx{}m", memory_mb / 4 * 3),  // the JVM itself needs the rest
                 "-cp",
                 std::string(kJavaClasses) + ":/var/task:/var/task/lib/*:/opt/java/lib/*",
                 kJavaMainClass};
  launch.binds.push_back({*classes, kJavaClasses});
  bind_home(launch, program);
  co_return launch;
}

}  // namespace functions

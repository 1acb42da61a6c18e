#include "functions/runtime.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "functions/bootstraps.h"

namespace functions {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNodeScript = "/var/runtime/index.mjs";
constexpr const char* kPythonScript = "/var/runtime/bootstrap.py";

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
  return RuntimeFamily::kOther;
}

Runtimes::Runtimes(RuntimeSettings settings) : settings_(std::move(settings)) {}

base::Result<Launch> Runtimes::launch(std::string_view runtime, std::string_view code_folder,
                                      std::string_view layers_folder) const {
  switch (family_of(runtime)) {
    case RuntimeFamily::kNode: return node(runtime);
    case RuntimeFamily::kPython: return python(runtime);
    case RuntimeFamily::kProvided: break;
    case RuntimeFamily::kOther:
      return base::error(base::ErrorCode::kInvalidArgument,
                         "the runtime " + std::string(runtime) +
                             " does not run here: use provided.al2023, a Node.js or a Python one");
  }
  std::string program;
  if (is_program(std::string(code_folder) + "/bootstrap")) program = "/var/task/bootstrap";
  else if (!layers_folder.empty() && is_program(std::string(layers_folder) + "/bootstrap"))
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

}  // namespace functions

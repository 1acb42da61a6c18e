#include "sandbox/planning.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

namespace sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMemoryBytesMin = 4ULL << 20;
constexpr std::uint32_t kCpuMillisMin = 10;       // the kernel's least quota, 1 ms in 100
constexpr std::uint64_t kRootBytes = 4ULL << 20;  // besides Spec::files
constexpr std::size_t kHostnameMax = 64;

std::unexpected<base::Error> invalid(std::string text) {
  return base::error(base::ErrorCode::kInvalidArgument, "sandbox: " + std::move(text));
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// Absolute, without "." or "..", doubled or closing slashes.
bool is_plain_path(const std::string& path) {
  if (path.size() < 2 || path.size() >= 4096 || path[0] != '/' || path.back() == '/') return false;
  return !has_nul(path) && fs::path(path).lexically_normal() == path &&
         path.find("//") == std::string::npos;
}

bool is_below(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

base::Status check_target(const std::string& target) {
  if (!is_plain_path(target)) return invalid("not a plain absolute path: " + target);
  if (is_below(target, "/proc") || is_below(target, "/dev")) {
    return invalid("nothing can be placed at " + target);
  }
  return {};
}

base::Status check_listener(const Listener& listener) {
  if (listener.protocol == Protocol::kTcpOut) return {};
  in_addr v4{};
  const bool loopback =
      ::inet_pton(AF_INET, listener.address.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
  if (!loopback && listener.address != "::1") {
    return invalid("not a loopback address: " + listener.address);
  }
  if (listener.port == 0) return invalid("a listener needs a port");
  return {};
}

base::Status check_limits(const Limits& limits) {
  if (limits.memory_bytes < kMemoryBytesMin || limits.memory_bytes > kMemoryBytesMax) {
    return invalid("memory_bytes is out of range");
  }
  if (limits.cpu_millis != 0 && limits.cpu_millis < kCpuMillisMin) {
    return invalid("cpu_millis is too small");
  }
  if (limits.tmp_bytes < 4096 || limits.shm_bytes < 4096) return invalid("tmp_bytes is too small");
  if (limits.processes < 1) return invalid("processes must be positive");
  if (limits.open_files < 8) return invalid("open_files is too small");
  return {};
}

base::Status check_argv(const std::vector<std::string>& argv) {
  if (argv.empty()) return invalid("no argv");
  if (argv[0].empty() || argv[0][0] != '/') return invalid("argv[0] is not absolute");
  if (std::ranges::any_of(argv, has_nul)) return invalid("a NUL in argv");
  return {};
}

base::Status check_command(const Spec& spec) {
  RETURN_IF_ERROR(check_argv(spec.argv));
  if (spec.companions.size() > kCompanionsMax) return invalid("too many companions");
  for (const auto& argv : spec.companions) RETURN_IF_ERROR(check_argv(argv));
  for (const std::string& variable : spec.environment) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos || has_nul(variable)) {
      return invalid("an environment variable is not NAME=value");
    }
  }
  if (spec.cwd.empty() || spec.cwd[0] != '/' || has_nul(spec.cwd)) {
    return invalid("cwd is not absolute");
  }
  return {};
}

std::uint8_t kind_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp: return init::kListenTcp;
    case Protocol::kUdp: return init::kBindUdp;
    case Protocol::kTcpOut: break;
  }
  return init::kTcpUnbound;
}

// Folders that are links on some hosts (to /usr/...) and real on others.
void add_system_folders(init::Plan& plan) {
  plan.binds.push_back({"/usr", "/usr", 0});
  for (const char* const name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code error;
    if (fs::is_symlink(name, error)) plan.links.push_back({name, fs::read_symlink(name, error)});
    else if (fs::is_directory(name, error)) plan.binds.push_back({name, name, 0});
  }
}

// What runtimes read there and holds nothing private.
void add_etc(init::Plan& plan) {
  for (const char* const name : {"alternatives",    "ca-certificates", "ca-certificates.conf",
                                 "crypto-policies", "debian_version",  "fonts",
                                 "gai.conf",        "ld.so.cache",     "ld.so.conf",
                                 "ld.so.conf.d",    "locale.alias",    "localtime",
                                 "magic",           "mime.types",      "os-release",
                                 "pki/tls/certs",   "protocols",       "services",
                                 "ssl/certs",       "ssl/openssl.cnf", "terminfo",
                                 "timezone"}) {
    const std::string path = std::string("/etc/") + name;
    std::error_code error;
    if (fs::exists(path, error)) plan.binds.push_back({path, path, init::kBindOptional});
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/etc", error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("java") && !name.starts_with("python3")) continue;
    plan.binds.push_back({entry.path(), entry.path(), init::kBindOptional});
  }
}

void add_devices(init::Plan& plan) {
  for (const char* const path :
       {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    plan.binds.push_back({path, path, init::kBindDevice});
  }
  plan.links.push_back({"/dev/fd", "/proc/self/fd"});
  plan.links.push_back({"/dev/stdin", "/proc/self/fd/0"});
  plan.links.push_back({"/dev/stdout", "/proc/self/fd/1"});
  plan.links.push_back({"/dev/stderr", "/proc/self/fd/2"});
}

void add_made_up_files(init::Plan& plan, const Spec& spec) {
  const auto add = [&plan](const char* path, std::string bytes) {
    plan.files.push_back({path, std::move(bytes)});
  };
  add("/etc/passwd", fmt::format("root:x:0:0:root:/:/usr/sbin/nologin\n"
                                 "sandbox:x:{}:{}:sandbox:/tmp:/bin/sh\n"
                                 "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
                                 plan.uid, plan.gid));
  add("/etc/group", fmt::format("root:x:0:\nsandbox:x:{}:\nnogroup:x:65534:\n", plan.gid));
  add("/etc/hostname", spec.hostname + "\n");
  add("/etc/hosts",
      fmt::format("127.0.0.1 localhost {0} {0}.localdomain\n::1 localhost ip6-localhost\n",
                  spec.hostname));
  add("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
  add("/etc/nsswitch.conf",
      "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
      "protocols: files\nservices: files\n");
}

}  // namespace

base::Status check_spec(const Spec& spec) {
  RETURN_IF_ERROR(check_command(spec));
  RETURN_IF_ERROR(check_limits(spec.limits));
  if (spec.hostname.empty() || spec.hostname.size() > kHostnameMax || has_nul(spec.hostname) ||
      spec.hostname.find_first_of(" \t\n") != std::string::npos) {
    return invalid("the host name is empty, too long or has white space");
  }
  if (!spec.code_folder.empty() && !is_plain_path(spec.code_folder)) {
    return invalid("not a plain absolute path: " + spec.code_folder);
  }
  if (spec.binds.size() > kBindsMax) return invalid("too many binds");
  for (const Bind& bind : spec.binds) {
    if (!is_plain_path(bind.source)) return invalid("not a plain absolute path: " + bind.source);
    RETURN_IF_ERROR(check_target(bind.target));
  }
  for (const File& file : spec.files) RETURN_IF_ERROR(check_target(file.target));
  if (spec.listeners.size() > kListenersMax) return invalid("too many listeners");
  for (const Listener& listener : spec.listeners) RETURN_IF_ERROR(check_listener(listener));
  return {};
}

init::Plan make_plan(const Spec& spec, const Shape& shape, const Identity& identity) {
  init::Plan plan;
  plan.user_namespace = shape.user_namespace;
  plan.map_self = shape.map_self;
  plan.host_uid = identity.uid;
  plan.host_gid = identity.gid;
  // Without a user namespace there is nothing to translate.
  plan.uid = shape.user_namespace ? kUserId : identity.uid;
  plan.gid = shape.user_namespace ? kGroupId : identity.gid;
  plan.argv = spec.argv;
  for (const auto& argv : spec.companions) plan.companions.push_back({argv});
  plan.merge_output = spec.merge_output;
  plan.environment = spec.environment;
  plan.cwd = spec.cwd;
  plan.hostname = spec.hostname;
  add_system_folders(plan);
  add_etc(plan);
  add_devices(plan);
  if (!spec.code_folder.empty()) plan.binds.push_back({spec.code_folder, "/var/task", 0});
  for (const Bind& bind : spec.binds) {
    const std::uint8_t flags = bind.optional ? init::kBindOptional : std::uint8_t{0};
    plan.binds.push_back({bind.source, bind.target, flags});
  }
  add_made_up_files(plan, spec);
  plan.root_bytes = kRootBytes;
  for (const File& file : spec.files) {
    plan.files.push_back({file.target, file.bytes});
    plan.root_bytes += file.bytes.size() + 8192;
  }
  for (const Listener& listener : spec.listeners) {
    plan.listeners.push_back({kind_of(listener.protocol), listener.address, listener.port});
  }
  plan.private_proc = shape.private_proc;
  plan.tmp_bytes = spec.limits.tmp_bytes;
  plan.shm_bytes = spec.limits.shm_bytes;
  plan.processes = spec.limits.processes;
  plan.open_files = spec.limits.open_files;
  return plan;
}

}  // namespace sandbox

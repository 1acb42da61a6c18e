#include "sandbox/init/root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

// Where the new root is put together. Whatever the host has there reappears below kOldRoot.
constexpr const char* kBase = "/tmp";
constexpr const char* kOldRoot = "/.host";

void restrict_mount(int fd, const char* path, unsigned flags, std::uint64_t attributes,
                    std::string_view what) {
  mount_attr attr{};
  attr.attr_set = attributes;
  must(::mount_setattr(fd, path, flags, &attr, sizeof attr), "restrict", what);
}

int pick_up(const std::string& source, std::uint64_t attributes) {
  const int fd =
      ::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (fd < 0) return -1;
  restrict_mount(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes, source);
  return fd;
}

bool is_folder(int fd) {
  struct stat about{};
  must(::fstat(fd, &about), "look at a bind");
  return S_ISDIR(about.st_mode);
}

// Every folder above `path`; what exists stays.
void make_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
      // A bound folder without it: read-only, so it cannot be made.
      if (::access(folder.c_str(), F_OK) != 0) fail("make the folder", folder, errno);
    }
  }
}

void make_folder(const std::string& path) { make_parents(path + "/"); }

void attach(int mount_fd, const std::string& target) {
  must(::move_mount(mount_fd, "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH), "mount",
       target);
  ::close(mount_fd);
}

void attach_new(int mount_fd, bool folder, const std::string& target) {
  if (folder) {
    make_folder(target);
  } else {
    make_parents(target);
    const int fd = ::open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    if (fd >= 0) ::close(fd);
    else if (::access(target.c_str(), F_OK) != 0) fail("make the file", target, errno);
  }
  attach(mount_fd, target);
}

bool write_new_file(const std::string& path, const std::string& bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
  if (fd < 0) return false;
  std::size_t done = 0;
  while (done < bytes.size()) {
    done += static_cast<std::size_t>(must(
        static_cast<int>(::write(fd, bytes.data() + done, bytes.size() - done)), "write", path));
  }
  ::close(fd);
  return true;
}

// In a folder that is bound from the host, the file is laid over the host's one.
void place_file(const PlanPair& file) {
  make_parents(file.path);
  if (write_new_file(file.path, file.value)) return;
  const char* const staged = "/.staged";
  if (!write_new_file(staged, file.value)) fail("make the file", file.path, errno);
  const int fd = must(pick_up(staged, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV),
                      "make the file", file.path);
  attach(fd, file.path);
  ::unlink(staged);
}

void mount_tmpfs(const char* target, std::uint64_t bytes, const char* mode) {
  // Names cost the kernel memory too, which not every host counts: as many as there are pages.
  const std::string options =
      std::string("mode=") + mode + ",size=" + std::to_string(bytes) +
      ",nr_inodes=" + std::to_string(std::max<std::uint64_t>(bytes / 4096, 1024));
  must(::mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()), "mount a tmpfs on",
       target);
}

void enter_new_root(const Plan& plan) {
  mount_tmpfs(kBase, plan.root_bytes, "0755");
  must(::chdir(kBase), "enter the new root");
  must(::mkdir(".host", 0700), "make a folder for the old root");
  must(static_cast<int>(::syscall(SYS_pivot_root, ".", ".host")), "change the root");
  must(::chdir("/"), "enter the new root");
}

// Needs the host's /proc in sight, so it comes before leave_old_root().
void mount_proc() {
  make_folder("/proc");
  must(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "mount /proc");
}

// Closed by file permissions already; this holds where the function's user could be the owner.
void mask_proc() {
  constexpr auto kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  for (const char* const path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus",
                                 "/proc/fs", "/proc/asound", "/proc/acpi", "/proc/scsi"}) {
    if (::access(path, F_OK) != 0) continue;
    attach(must(pick_up(path, kAttributes), "mask", path), path);
  }
  for (const char* const path :
       {"/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/key-users", "/proc/timer_list",
        "/proc/sched_debug", "/proc/kallsyms", "/proc/kpagecount", "/proc/kpageflags"}) {
    if (::access(path, F_OK) != 0) continue;
    constexpr auto kNull = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    attach(must(pick_up("/dev/null", kNull), "mask", path), path);
  }
}

void leave_old_root() {
  must(::umount2(kOldRoot, MNT_DETACH), "leave the old root");
  must(::rmdir(kOldRoot), "remove the old root's folder");
}

}  // namespace

Sources::Sources(const Plan& plan) {
  // Nothing of this reaches the host's mounts, and later mounts of the host do not appear here.
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make the mounts private");
  for (const PlanBind& bind : plan.binds) {
    const bool device = (bind.flags & kBindDevice) != 0;
    const int fd = pick_up(bind.source, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                            (device ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_NODEV));
    if (fd < 0 && (bind.flags & kBindOptional) == 0) fail("bind", bind.source, errno);
    items_.push_back({fd, fd >= 0 && is_folder(fd)});
  }
}

void build_root(const Plan& plan, Sources sources) {
  ::umask(0022);
  enter_new_root(plan);
  for (const PlanPair& link : plan.links) {
    make_parents(link.path);
    must(::symlink(link.value.c_str(), link.path.c_str()), "make the link", link.path);
  }
  make_folder("/tmp");
  make_folder("/var/task");
  make_folder("/dev/shm");
  mount_tmpfs("/tmp", plan.tmp_bytes, "1777");
  mount_tmpfs("/dev/shm", plan.shm_bytes, "1777");
  if (plan.private_proc) mount_proc();
  // Before anything of the function is attached: a symbolic link in its code, followed on the way
  // to a target below, must find nothing of the host.
  leave_old_root();
  for (std::size_t i = 0; i < plan.binds.size(); ++i) {
    const Sources::Item& item = sources.items()[i];
    if (item.mount_fd >= 0) attach_new(item.mount_fd, item.folder, plan.binds[i].target);
  }
  for (const PlanPair& file : plan.files) place_file(file);
  if (plan.private_proc) mask_proc();
  restrict_mount(AT_FDCWD, "/", 0, MOUNT_ATTR_RDONLY, "the root");
}

}  // namespace sandbox::init

#include "sandbox/init_image.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "sandbox/init/plan.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3; older ones refuse the flag and need none
#endif

// clang-format off
__asm__(
    ".pushsection .rodata\n"
    ".global millrace_sandbox_init_begin\n"
    ".global millrace_sandbox_init_end\n"
    "millrace_sandbox_init_begin:\n"
    ".incbin \"" MILLRACE_SANDBOX_INIT "\"\n"
    "millrace_sandbox_init_end:\n"
    ".byte 0\n"
    ".popsection\n");
// clang-format on

extern "C" {
extern const char millrace_sandbox_init_begin[];
extern const char millrace_sandbox_init_end[];
}

namespace sandbox {

base::Result<Fd> lifted(Fd fd) {
  constexpr int kFirstFree = 16;
  static_assert(kFirstFree > init::kImageFd);
  Fd high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFree));
  if (!high) return base::errno_error("duplicate a descriptor", errno);
  return high;
}

base::Result<Fd> make_memory_file(const char* name, std::string_view bytes, bool executable) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Fd file(::memfd_create(name, kFlags | (executable ? MFD_EXEC : 0U)));
  if (!file && executable && errno == EINVAL) file = Fd(::memfd_create(name, kFlags));
  if (!file) return base::errno_error("make a memory file", errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return base::errno_error("fill a memory file", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    return base::errno_error("seal a memory file", errno);
  }
  return lifted(std::move(file));
}

base::Result<Fd> make_init_image() {
  const auto size =
      static_cast<std::size_t>(millrace_sandbox_init_end - millrace_sandbox_init_begin);
  return make_memory_file("sandbox-init", {millrace_sandbox_init_begin, size}, true);
}

}  // namespace sandbox

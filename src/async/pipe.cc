#include "async/pipe.h"

#include <unistd.h>

#include <cerrno>

#include "async/socket_wait.h"

namespace async {

struct PipeReader::Impl {
  AsioCore& core;
  Descriptor descriptor;
  bool closed = false;
};

PipeReader::PipeReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PipeReader::~PipeReader() = default;

base::Result<std::unique_ptr<PipeReader>> PipeReader::adopt(AsioCore& core, OwnedFd fd) {
  RETURN_IF_ERROR(set_nonblocking(fd.get()));
  Descriptor descriptor(core.context().get_executor());
  boost::system::error_code error;
  descriptor.assign(fd.get(), error);
  if (error) return base::error(base::ErrorCode::kIo, "register a pipe: " + error.message());
  fd.release();
  return std::unique_ptr<PipeReader>(
      new PipeReader(std::make_unique<Impl>(core, std::move(descriptor))));
}

base::Result<std::optional<std::size_t>> PipeReader::try_read(std::span<char> into) {
  if (impl_->closed) return base::error(base::ErrorCode::kCancelled, "the pipe was closed");
  for (;;) {
    const ssize_t count = ::read(impl_->descriptor.native_handle(), into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR) return base::errno_error("read a pipe", errno);
  }
}

Task<base::Result<std::size_t>> PipeReader::read_some(std::span<char> into) {
  CHECK(Core::current() == &impl_->core);
  for (;;) {
    const auto got = try_read(into);
    if (!got) co_return std::unexpected(got.error());
    if (*got) co_return **got;
    const auto error = co_await Readable(impl_->descriptor);
    if (error && error != asio::error::operation_aborted)
      co_return base::error(base::ErrorCode::kIo, "wait for a pipe: " + error.message());
  }
}

void PipeReader::close() {
  if (std::exchange(impl_->closed, true)) return;
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

}  // namespace async

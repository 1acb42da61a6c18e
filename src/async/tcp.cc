#include "async/tcp.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <cerrno>
#include <cstddef>

#include "async/deadline.h"
#include "async/departures.h"
#include "async/socket_wait.h"

namespace async {
namespace {

using base::ErrorCode;

// Larger writes go at once: waiting for company would gain them nothing.
constexpr std::size_t kTogetherBytesMax = 16 << 10;

// Memory for one pending operation of Asio, of which a socket has one at a time and begins another
// for every request: Asio's own keeps too few for all connections of a core.
class OperationMemory {
 public:
  template <class T>
  struct Allocator {
    using value_type = T;
    explicit Allocator(OperationMemory& from) : memory(&from) {}
    template <class U>
    Allocator(const Allocator<U>& other) : memory(other.memory) {}  // NOLINT: rebinding
    T* allocate(std::size_t count) { return static_cast<T*>(memory->take(count * sizeof(T))); }
    void deallocate(T* at, std::size_t) { memory->give(at); }
    template <class U>
    bool operator==(const Allocator<U>& other) const {
      return memory == other.memory;
    }
    OperationMemory* memory;
  };
  Allocator<void*> allocator() { return Allocator<void*>(*this); }

 private:
  void* take(std::size_t bytes) {
    if (taken_ || bytes > bytes_.size()) return ::operator new(bytes);
    taken_ = true;
    return bytes_.data();
  }
  void give(void* at) {
    if (at == bytes_.data()) taken_ = false;
    else ::operator delete(at);
  }

  alignas(std::max_align_t) std::array<std::byte, 256> bytes_;
  bool taken_ = false;
};

class SocketStream final : public Stream, private Departures::Traveller {
 public:
  SocketStream(AsioCore& core, StreamSocket socket, std::string peer_address)
      : departures_(core.departures()),
        socket_(std::move(socket)),
        peer_address_(std::move(peer_address)),
        read_deadline_(core, [this] { cancel(); }),
        write_deadline_(core, [this] { cancel(); }) {}

  ~SocketStream() override { CHECK(pending_ == 0); }

  void set_read_deadline(base::SteadyTime when) override { read_deadline_.set(when); }
  void set_write_deadline(base::SteadyTime when) override { write_deadline_.set(when); }

  Task<void> shutdown() override {
    if (!closed_) ::shutdown(socket_.native_handle(), SHUT_WR);
    co_return;
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  std::string peer_address() const override { return peer_address_; }

 protected:
  void start(ReadOperation& op) override {
    if (closed_ || read_deadline_.passed())
      return op.finish(std::unexpected(ended(read_deadline_)));
    pull(op);
  }

  void start(WriteOperation& op) override {
    if (closed_ || write_deadline_.passed())
      return op.finish(std::unexpected(ended(write_deadline_)));
    if (op.from[0].size() + op.from[1].size() > kTogetherBytesMax) return push(op);
    ++pending_;
    leaving_ = &op;
    departures_.add(*this);
  }

 private:
  enum class Sent { kAll, kPart, kFailed };

  void depart() override {
    if (!closed_) sent_ = send(*leaving_);
  }
  void arrive() override {
    --pending_;
    WriteOperation& op = *std::exchange(leaving_, nullptr);
    if (closed_) return op.finish(std::unexpected(ended(write_deadline_)));
    go_on(op, sent_);
  }

  void pull(ReadOperation& op) {
    ++pending_;
    auto pulled = [this, &op](const boost::system::error_code& error, std::size_t count) {
      --pending_;
      if (!error) return op.finish(count);
      if (error == asio::error::eof) return op.finish(std::size_t{0});
      if (disturbed(error, read_deadline_)) return pull(op);
      op.finish(std::unexpected(explain(error, read_deadline_)));
    };
    socket_.async_read_some(asio::buffer(op.into.data(), op.into.size()),
                            asio::bind_allocator(read_memory_.allocator(), std::move(pulled)));
  }

  // Writes what the socket takes at once, and waits only for the rest.
  void push(WriteOperation& op) { go_on(op, send(op)); }

  void go_on(WriteOperation& op, Sent sent) {
    if (sent == Sent::kPart) return wait_and_push(op);
    if (sent == Sent::kAll) return op.finish({});
    op.finish(std::unexpected(
        base::Error{ErrorCode::kIo, base::errno_error("send", errno_).error().message}));
  }

  // What the socket takes now.
  Sent send(WriteOperation& op) {
    while (!op.from[0].empty() || !op.from[1].empty()) {
      std::array<iovec, 2> pieces;
      for (std::size_t i = 0; i < 2; ++i)
        pieces[i] = {const_cast<char*>(op.from[i].data()), op.from[i].size()};
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = pieces.size();
      const ssize_t sent =
          ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Sent::kPart;
      if (sent < 0) {
        errno_ = errno;
        return Sent::kFailed;
      }
      std::size_t left = static_cast<std::size_t>(sent);
      for (auto& piece : op.from) {
        const std::size_t taken = std::min(left, piece.size());
        piece.remove_prefix(taken);
        left -= taken;
      }
    }
    return Sent::kAll;
  }

  void wait_and_push(WriteOperation& op) {
    ++pending_;
    socket_.async_wait(StreamSocket::wait_write,
                       [this, &op](const boost::system::error_code& error) {
                         --pending_;
                         const bool fine = !error && !closed_;
                         if (!fine && !disturbed(error, write_deadline_))
                           return op.finish(std::unexpected(explain(error, write_deadline_)));
                         push(op);
                       });
  }

  void cancel() {
    boost::system::error_code ignored;
    if (!closed_) socket_.cancel(ignored);
  }

  // A deadline cancels both directions; the one that it was not about goes on.
  bool disturbed(const boost::system::error_code& error, const Deadline& deadline) const {
    return error == asio::error::operation_aborted && !closed_ && !deadline.passed();
  }

  static base::Error ended(const Deadline& deadline) {
    if (deadline.passed()) return {ErrorCode::kTimeout, "the connection's deadline passed"};
    return {ErrorCode::kCancelled, "the connection was closed"};
  }
  static base::Error explain(const boost::system::error_code& error, const Deadline& deadline) {
    if (!error || error == asio::error::operation_aborted || error == asio::error::bad_descriptor)
      return ended(deadline);
    return {ErrorCode::kIo, error.message()};
  }

  Departures& departures_;
  OperationMemory read_memory_;
  StreamSocket socket_;
  std::string peer_address_;
  Deadline read_deadline_;
  Deadline write_deadline_;
  bool closed_ = false;
  int pending_ = 0;
  int errno_ = 0;
  WriteOperation* leaving_ = nullptr;
  Sent sent_ = Sent::kAll;
};

}  // namespace

base::Result<std::unique_ptr<Stream>> make_stream(AsioCore& core, AcceptedSocket accepted) {
  const int fd = accepted.fd.get();
  int family = 0;
  socklen_t size = sizeof family;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0)
    return base::errno_error("look at a socket", errno);
  RETURN_IF_ERROR(set_nonblocking(fd));
  if (family == AF_INET || family == AF_INET6) {
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  StreamSocket socket(core.context().get_executor());
  boost::system::error_code error;
  socket.assign(asio::generic::stream_protocol(family, 0), fd, error);
  if (error) return base::error(ErrorCode::kIo, "register a socket: " + error.message());
  accepted.fd.release();
  // Asio then never tries to change the mode itself.
  socket.native_non_blocking(true, error);
  return std::make_unique<SocketStream>(core, std::move(socket), std::move(accepted.peer_address));
}

}  // namespace async

#include "sandbox/init/report.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace sandbox::init {

void send(const Message& message, std::span<const int> descriptors) {
  iovec part{const_cast<Message*>(&message), sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  std::string room(CMSG_SPACE(descriptors.size_bytes()), '\0');
  if (!descriptors.empty()) {
    header.msg_control = room.data();
    header.msg_controllen = room.size();
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(control), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(kControlFd, &header, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

void fail(std::string_view doing, std::string_view what, int error_number) {
  Message message;
  message.kind = MessageKind::kFailed;
  message.value = error_number;
  std::string text(doing);
  if (!what.empty()) text.append(" ").append(what);
  const std::size_t size = std::min(text.size(), sizeof message.text - 1);
  std::memcpy(message.text, text.data(), size);
  send(message);
  ::_exit(1);
}

void fail(std::string_view doing, int error_number) { fail(doing, {}, error_number); }

}  // namespace sandbox::init

// Lines from bytes, and the other way round.
#include "sim/session/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace hvsim::session {

std::optional<std::string> Channel::receive(bool wait) {
  std::size_t end;
  while ((end = pending_.find('\n')) == std::string::npos)
    if (!fill(wait)) return std::nullopt;
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  return line;
}

bool Channel::fill(bool wait) {
  char chunk[65536];
  for (;;) {
    const ssize_t count = recv(descriptor_, chunk, sizeof chunk, wait ? 0 : MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (count <= 0) {
      closed_ = true;
      return false;
    }
    pending_.append(chunk, static_cast<std::size_t>(count));
    return true;
  }
}

void Channel::be_silent() {
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere >= 0) dup2(nowhere, descriptor_);
}

// What guests print may be no text; JSON is.
void Channel::send(const Json& message) {
  const std::string text = message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::send(descriptor_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      closed_ = true;
      return;
    }
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace hvsim::session

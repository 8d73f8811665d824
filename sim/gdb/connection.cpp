// POSIX sockets.
#include "sim/gdb/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

namespace hvsim::gdb {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::uint16_t kDefaultPort = 1234;

std::string reason() { return std::strerror(errno); }

bool ready(int descriptor, bool wait) {
  pollfd poller{.fd = descriptor, .events = POLLIN, .revents = 0};
  for (;;) {
    const int count = poll(&poller, 1, wait ? -1 : 0);
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

std::optional<std::uint16_t> port_of(const std::string& text) {
  if (text.empty()) return kDefaultPort;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

template <class Address>
bool listen_at(int descriptor, const Address& address) {
  return bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         listen(descriptor, 1) == 0;
}

}  // namespace

Listener::Listener(int descriptor, std::string target, std::string path)
    : descriptor_(descriptor), target_(std::move(target)), path_(std::move(path)) {}

Listener::Listener(Listener&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      target_(std::move(other.target_)),
      path_(std::exchange(other.path_, {})) {}

Listener::~Listener() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!path_.empty()) unlink(path_.c_str());
}

isa::Result<Listener, std::string> Listener::open(const std::string& where) {
  if (where.starts_with(kUnix)) {
    const std::string path = where.substr(kUnix.size());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
      return isa::Failure{"--gdb: " + where + ": expected unix:PATH with a path of 1 to 107 characters"};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || !listen_at(descriptor, address)) {
      const std::string why = reason();
      if (descriptor >= 0) close(descriptor);
      return isa::Failure{"--gdb: " + where + ": " + why};
    }
    return Listener(descriptor, path, path);
  }
  const auto port = port_of(where);
  if (!port) return isa::Failure{"--gdb: " + where + ": expected a port number or unix:PATH"};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(*port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  if (descriptor >= 0) setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (descriptor < 0 || !listen_at(descriptor, address)) {
    const std::string why = reason();
    if (descriptor >= 0) close(descriptor);
    return isa::Failure{"--gdb: port " + std::to_string(*port) + ": " + why +
                        "; expected a free port, --gdb=0 takes any"};
  }
  socklen_t size = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  return Listener(descriptor, "localhost:" + std::to_string(ntohs(address.sin_port)), {});
}

std::optional<int> Listener::accept(bool wait) const {
  do {
    if (!ready(descriptor_, wait)) return std::nullopt;
    const int peer = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) continue;
    const int yes = 1;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // no harm on Unix sockets
    return peer;
  } while (wait);
  return std::nullopt;
}

Connection::~Connection() { close(descriptor_); }

std::optional<std::string> Connection::receive(bool wait) {
  if (!ready(descriptor_, wait)) return std::string{};
  char chunk[4096];
  for (;;) {
    const ssize_t count = recv(descriptor_, chunk, sizeof chunk, 0);
    if (count > 0) return std::string(chunk, static_cast<std::size_t>(count));
    if (count < 0 && errno == EINTR) continue;
    return std::nullopt;
  }
}

bool Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace hvsim::gdb

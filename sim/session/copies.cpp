// fork, and pipes between both sides.
#include "sim/session/copies.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace hvsim::session {
namespace {

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// As a process ended, so does this one.
[[noreturn]] void end_as(int status) {
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  _exit(WEXITSTATUS(status));
}

// What is buffered would be written by each copy.
pid_t split() {
  std::fflush(nullptr);
  return fork();
}

isa::Failure<std::string> no(const char* what) {
  return isa::Failure{std::string("no ") + what + ": " + std::strerror(errno)};
}

}  // namespace

Copied copy_of_this_process() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {.way = {}, .said = no("pipe")};
  const pid_t child = split();
  if (child == 0) {
    close(ends[0]);
    return {.way = ends[1], .said = std::string()};
  }
  close(ends[1]);
  std::string text;
  char chunk[4096];
  for (ssize_t count; child > 0 && (count = read(ends[0], chunk, sizeof chunk)) != 0;)
    if (count > 0)
      text.append(chunk, static_cast<std::size_t>(count));
    else if (errno != EINTR)
      break;
  close(ends[0]);
  if (child < 0) return {.way = {}, .said = no("process")};
  const int status = wait_for(child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return {.way = {}, .said = isa::Failure{std::string("the process that was to do it died")}};
  return {.way = {}, .said = text};
}

void say_and_end(int way, std::string_view text) {
  std::fflush(nullptr);
  const bool told = write(way, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  _exit(told ? 0 : 1);
}

// The original stays. It ends when those who came from it have ended, unless one of them has told it to go
// on.
isa::Result<Bookmarks::Came, std::string> Bookmarks::keep() {
  Came came = Came::on;
  for (;;) {
    std::array<int, 2> ends{};
    const bool piped = pipe(ends.data()) == 0;
    const pid_t child = piped ? split() : -1;
    if (child == 0) {
      close(ends[0]);
      kept_.push_back(ends[1]);
      return came;
    }
    if (piped) close(ends[1]);
    if (child < 0) {
      if (piped) close(ends[0]);
      return no("process");
    }
    char told = 0;
    ssize_t count = 0;
    while ((count = read(ends[0], &told, 1)) < 0 && errno == EINTR) {
    }
    close(ends[0]);
    const int status = wait_for(child);
    if (count <= 0) end_as(status);
    came = Came::back;
  }
}

void Bookmarks::go_back(std::size_t number) {
  const char told = 1;
  const bool good = write(kept_[number], &told, 1) == 1;
  _exit(good ? 0 : 1);
}

}  // namespace hvsim::session

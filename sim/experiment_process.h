// A worker process, seen from the one that started it.
#pragma once

#include <sys/types.h>

#include <string>

namespace hvsim::sim {

class WorkerProcess {
 public:
  // Starts `executable run-one`; `input` is what it reads, `warm_ups` Attached::warm_ups. Throws
  // std::system_error if the host refuses.
  WorkerProcess(const std::string& executable, const std::string& output, const std::string& warm_ups,
                const std::string& input);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  int messages() const { return messages_; }  // descriptor to read from; ends when the process does
  pid_t id() const { return id_; }
  int wait();   // exit code, or 128 + signal
  void kill();  // and wait

 private:
  pid_t id_ = -1;
  int messages_ = -1;
};

}  // namespace hvsim::sim

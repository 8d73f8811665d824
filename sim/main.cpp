// The hvsim executable. SystemC wants to be entered through sc_elab_and_sim, so only a worker does that.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <systemc>

#include "sim/cli.h"
#include "sim/simulation.h"

namespace {

hvsim::sim::WorkerOptions worker_options;

int start_systemc(const hvsim::sim::WorkerOptions& options) {
  worker_options = options;
  setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
  char name[] = "hvsim";
  char* arguments[] = {name, nullptr};
  return sc_core::sc_elab_and_sim(1, arguments);
}

}  // namespace

int sc_main(int, char**) { return hvsim::sim::work(worker_options, hvsim::sim::simulate); }

int main(int argc, char** argv) {
  try {
    return hvsim::sim::command_line(argc, argv, start_systemc);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "hvsim: simulator fault: %s\n", fault.what());
    return 3;
  }
}

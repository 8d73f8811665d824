// GoogleTest under SystemC: tests run inside sc_main, where modules may be made and time may pass.
#pragma once

#include <gtest/gtest.h>

#include <systemc>

inline int run_tests_under_systemc(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  return sc_core::sc_elab_and_sim(argc, argv);
}

int sc_main(int, char**) { return RUN_ALL_TESTS(); }
int main(int argc, char** argv) { return run_tests_under_systemc(argc, argv); }

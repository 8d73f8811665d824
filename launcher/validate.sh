# Compares the model with what was measured on RTL: builds the programs of the measurement, then tests/accuracy.
# shellcheck shell=bash

command_validate() {
  require_lock
  require_packages run python
  build_simulator
  build release accuracy_programs || exit 3
  release_lock
  exec "$base_python" "$root/tests/accuracy/validate.py" "$@"
}

// Checkpoints: a whole run in a file, from which another process goes on as if nothing had happened.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"
#include "models/state/archive.h"
#include "sim/config.h"
#include "sim/json_document.h"
#include "sim/refusal.h"
#include "sim/running.h"

namespace hvsim::sim {

// What a checkpoint says of itself.
struct CheckpointFacts {
  std::string simulator;            // version of the one that wrote it
  std::string build;                // hash of its executable
  std::string identity;             // of the run, had it gone on: see run_identity()
  Json images = Json::object();     // what the run's files held: hashes, by the keys that name them
  Json beginning = Json::object();  // how the run began: see beginning()
  Json config;                      // with every key
  isa::Cycles cycles = 0;           // of the hart that had run longest
  std::uint64_t instructions = 0;   // of all harts
  bool debugged = false;            // somebody has made it another run than its config's
};

struct Checkpoint {
  CheckpointFacts facts;
  std::map<std::string, state::Bytes> parts;
};

// What is known of a run before it starts: simulator, build, identity, images and beginning.
CheckpointFacts facts_of_run(const Config& config, const ImagePaths& images);

// Between two turns. `of_run`: facts_of_run(); the others are found here.
isa::Result<Checkpoint, std::string> take_checkpoint(const Running& run, CheckpointFacts of_run);
// Into a run that was built from `run.config` and has not booted, with the files that the checkpoint's run
// had: whoever asks sees to that. The error is one line; the machine is then of no use.
std::string restore_checkpoint(const Checkpoint& checkpoint, const Running& run, RestoredModels models);

// Restores it into a machine by its own config and takes it again, which must give the same. Empty: it does.
std::string verify_checkpoint(const Checkpoint& checkpoint);

// The file format: a magic number, a version, a hash over what follows, facts as JSON, and the parts,
// compressed.
state::Bytes encode_checkpoint(const Checkpoint& checkpoint);
// Errors say what is wrong with the bytes, whoever wrote them.
isa::Result<Checkpoint, std::string> decode_checkpoint(std::span<const std::uint8_t> bytes);
isa::Result<CheckpointFacts, std::string> decode_checkpoint_facts(std::span<const std::uint8_t> bytes);

// A file appears whole or not at all. Errors are one line without the file's name.
Refusal write_checkpoint(const std::string& file, const Checkpoint& checkpoint);
isa::Result<Checkpoint, std::string> read_checkpoint(const std::string& file);
isa::Result<CheckpointFacts, std::string> read_checkpoint_facts(const std::string& file);

}  // namespace hvsim::sim

// Running blocks through the pipeline, once for each state.
#include "models/cpu/remembered_pipeline.h"

#include <algorithm>
#include <bit>

#include "models/cpu/op_class.h"

namespace hvsim::cpu {

namespace {

constexpr std::size_t kMostStates = 16'384;

// The caches' part of the pipeline is left to run time: what is written has arrived at once.
PipelineConfig without_memory(PipelineConfig config) {
  config.write_transaction = 0;
  return config;
}

template <Id id>
void pass_through(Pipeline& pipeline, const Op& op, std::uint64_t place, bool faults) {
  constexpr Class klass = instruction(id).klass;
  if constexpr (accesses_memory(klass)) {
    pipeline.begin_access<id>(op);
    if (faults) return pipeline.fault_access();
    if constexpr (klass == Class::load || klass == Class::guest_load)
      pipeline.load_from(place);
    else
      pipeline.store_to(place);
    pipeline.end_access<id>(op);
    if constexpr (is_atomic(klass)) pipeline.redirect(Component::dcache);
  } else if constexpr (klass == Class::branch || klass == Class::jump || klass == Class::jump_register) {
    pipeline.control_flow<id>(op);
  } else if constexpr (klass == Class::csr) {
    pipeline.access_csr<id>(op);
  } else if constexpr (klass == Class::fence || klass == Class::fence_i) {
    pipeline.fence<id>(op);
    if constexpr (klass == Class::fence) pipeline.redirect(Component::base);
  } else if constexpr (klass == Class::system || klass == Class::illegal) {
    pipeline.begin_system<id>(op);
  } else {
    pipeline.compute<id>(op, nullptr);
  }
}

std::uint64_t registers_read(const Op& op) {
  const Operands in = operands(instruction(op.id).format);
  return register_bit(in.rs1, op.rs1) | register_bit(in.rs2, op.rs2) | register_bit(in.rs3, op.rs3);
}

std::uint64_t register_written(const Op& op) {
  return register_bit(operands(instruction(op.id).format).rd, op.rd);
}

OpTimes::Unit unit_of(Class klass) {
  if (klass == Class::load || klass == Class::guest_load) return OpTimes::Unit::load;
  return divides(klass) && klass != Class::div ? OpTimes::Unit::float_divider : OpTimes::Unit::other;
}

using Passage = void (*)(Pipeline&, const Op&, std::uint64_t, bool);
constexpr std::array<Passage, static_cast<std::size_t>(Id::count)> kPassages{
#define HVSIM_INSTRUCTION(id, pattern, format, klass, extension) &pass_through<Id::id>,
#include "models/cpu/instructions.def"
#undef HVSIM_INSTRUCTION
};

}  // namespace

RememberedPipeline::RememberedPipeline(const PipelineConfig& config, const TimingConfig& costs)
    : config_(without_memory(config)), costs_(costs), pipeline_(config_, costs, 1, true) {
  state_ = number_of(pipeline_.image());
}

std::size_t RememberedPipeline::Hash::operator()(const PipelineImage& image) const {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325;
  for (const std::int32_t time : image.times)
    hash = (hash ^ static_cast<std::uint32_t>(time)) * 0x0000'0100'0000'01B3;
  return hash ^ hash >> 32;
}

std::uint32_t RememberedPipeline::number_of(const PipelineImage& image) {
  const auto next = static_cast<std::uint32_t>(first_ + states_.size());
  const auto [where, is_new] = numbers_.try_emplace(image, next);
  if (!is_new) return where->second;
  if (states_.size() >= kMostStates) {  // starts anew with this one
    first_ = next;
    states_.clear();
    numbers_.clear();
    numbers_.emplace(image, next);
  }
  states_.push_back(image);
  return next;
}

void RememberedPipeline::begin() {
  pipeline_.resume(states_[state_ - first_]);
  booked_ = {};
  pipeline_.book_into(&booked_);
  began_ = pipeline_.committed();
  places_ = {};
}

Transition RememberedPipeline::finish() {
  const auto of = [&](Component component) {
    return static_cast<std::uint32_t>(booked_[static_cast<unsigned>(component)]);
  };
  Transition made{.from = state_, .cycles = static_cast<std::uint32_t>(pipeline_.committed() - began_)};
  made.branch = of(Component::branch);
  made.fp = of(Component::fp);
  made.trap = of(Component::trap);
  made.csr = of(Component::csr);
  made.dcache = of(Component::dcache);
  made.store_buffer = of(Component::store_buffer);
  made.icache = of(Component::icache);
  made.rare = (made.trap | made.csr | made.dcache | made.store_buffer | made.icache) != 0;
  const WrongPath path = pipeline_.wrong_path(fetched_);
  const auto since = [this](Cycles time) { return static_cast<std::int32_t>(time - pipeline_.committed()); };
  made.began = since(path.began);
  made.ends = since(path.ends);
  made.issued = since(path.issued);
  made.to = number_of(pipeline_.image());
  return made;
}

// A number for the word that the op names, the same for the same words of a register that has not changed.
std::uint64_t RememberedPipeline::place_of(const Op& op) {
  const std::uint64_t key = std::uint64_t{op.rs1} << 56 | std::uint64_t{places_.versions[op.rs1]} << 32 |
                            static_cast<std::uint32_t>(op.imm >> 3);
  const auto found = std::ranges::find(places_.keys, key);
  const auto number = static_cast<std::uint64_t>(found - places_.keys.begin()) + 1;
  if (found == places_.keys.end()) places_.keys.push_back(key);
  return number << 3;
}

void RememberedPipeline::run_op(const Op& op, bool faults) {
  const Instruction& what = instruction(op.id);
  const std::uint64_t place = accesses_memory(what.klass) ? place_of(op) : 0;
  kPassages[static_cast<std::size_t>(op.id)](pipeline_, op, place, faults);
  if (operands(what.format).rd == RegisterFile::x) ++places_.versions[op.rd];
}

Transition RememberedPipeline::run(const Block& block, BlockEnd end) {
  begin();
  const Op& last = block.ops[block.count - 1];
  if (is_privileged(instruction(last.id).klass) && end != BlockEnd::on) {
    if (end == BlockEnd::done) {
      end_system(block, last);
    } else {
      if (instruction(last.id).klass != Class::csr) pipeline_.found_illegal();
      trap_now();
    }
    return finish();
  }
  for (unsigned i = 0; i < block.count; ++i) run_op(block.ops[i]);
  end_block(block, last, end);
  return finish();
}

void RememberedPipeline::trap_now() {
  fetched_ = pipeline_.fetch_time();
  pipeline_.trap();
}

void RememberedPipeline::end_block(const Block& block, const Op& last, BlockEnd end) {
  if (is_privileged(instruction(last.id).klass)) return;
  fetched_ = pipeline_.fetch_time();
  if (end == BlockEnd::taken) pipeline_.taken();
  if (end == BlockEnd::mispredicted) pipeline_.mispredicted();
  if (end == BlockEnd::on) pipeline_.continue_at(block.page_offset + block.bytes);
}

// A privileged instruction was executed.
void RememberedPipeline::end_system(const Block& block, const Op& op) {
  const Class klass = instruction(op.id).klass;
  fetched_ = pipeline_.fetch_time();
  if (klass == Class::csr && flushes_pipeline(op)) return pipeline_.redirect(Component::csr);
  if (klass == Class::csr || klass == Class::mark)
    return pipeline_.continue_at(block.page_offset + block.bytes);
  if (klass == Class::fence_i) return pipeline_.redirect(Component::icache, costs_.fence_i);
  is_translation_fence(op.id) ? pipeline_.end_translation_fence() : pipeline_.end_system();
  pipeline_.redirect(op.id == Id::mret || op.id == Id::sret ? Component::trap : Component::base);
}

isa::Cycles RememberedPipeline::pass_anew(Block& block, BlockEnd end, ComponentCycles& row) {
  Transitions& known = block.transitions[static_cast<unsigned>(end)];
  const Transition* found = known.find(state_);
  if (found == nullptr) [[unlikely]]
    found = known.add(run(block, end));
  return book(*found, row);
}

// What is in few blocks, and was booked as Component::base.
isa::Cycles RememberedPipeline::book_rest(const Transition& made, ComponentCycles& row) {
  row[static_cast<unsigned>(Component::base)] -=
      made.trap + made.csr + made.dcache + made.store_buffer + made.icache;
  row[static_cast<unsigned>(Component::trap)] += made.trap;
  row[static_cast<unsigned>(Component::csr)] += made.csr;
  row[static_cast<unsigned>(Component::dcache)] += made.dcache;
  row[static_cast<unsigned>(Component::store_buffer)] += made.store_buffer;
  row[static_cast<unsigned>(Component::icache)] += made.icache;
  return made.cycles;
}

template <class What>
isa::Cycles RememberedPipeline::once(Transitions& known, ComponentCycles& row, What what) {
  const Transition* found = known.find(state_);
  if (found == nullptr) {
    begin();
    what();
    found = known.add(finish());
  }
  return book(*found, row);
}

isa::Cycles RememberedPipeline::interrupt(ComponentCycles& row) {
  return once(interrupts_, row, [this] { pipeline_.interrupt(); });
}
isa::Cycles RememberedPipeline::trap(ComponentCycles& row) {
  return once(traps_, row, [this] { trap_now(); });
}

isa::Cycles RememberedPipeline::pass_before(const Block& block, const Op& op, bool faults,
                                            ComponentCycles& row) {
  begin();
  for (const Op* done = block.ops; done != &op; ++done) run_op(*done);
  if (faults) run_op(op, true);
  direct_ = finish();
  return book(direct_, row);
}

void RememberedPipeline::find_times(Block& block) {
  block.times_from = state_;
  block.times.ops.clear();
  begin();
  for (unsigned i = 0; i < block.count; ++i) {
    run_op(block.ops[i]);
    const auto since = [this](Cycles time) { return static_cast<std::int32_t>(time - began_); };
    const bool accesses = accesses_memory(instruction(block.ops[i].id).klass);
    const Cycles access = accesses ? pipeline_.access_time() : pipeline_.issued() + 2;
    const Class klass = instruction(block.ops[i].id).klass;
    block.times.ops.push_back({.issue = since(pipeline_.issued()),
                               .access = since(access),
                               .reads = registers_read(block.ops[i]),
                               .writes = register_written(block.ops[i]),
                               .unit = unit_of(klass)});
  }
  block.times.find_users();
}

void BlockTimes::find_users() {
  users = {};
  first_reader.fill(kMaxBlockOps);
  for (auto number = static_cast<unsigned>(ops.size()); number-- > 0;) {
    OpTimes& op = ops[number];
    op.next_reader = kMaxBlockOps;
    if (op.writes != 0) op.next_reader = first_reader[static_cast<unsigned>(std::countr_zero(op.writes))];
    for (std::uint64_t reads = op.reads; reads != 0; reads &= reads - 1)
      first_reader[static_cast<unsigned>(std::countr_zero(reads))] = static_cast<std::uint8_t>(number);
    if (op.unit == OpTimes::Unit::load || op.unit == OpTimes::Unit::float_divider)
      users[static_cast<unsigned>(op.unit)] |= std::uint64_t{1} << number;
  }
}

}  // namespace hvsim::cpu

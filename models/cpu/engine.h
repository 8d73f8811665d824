// The engine: runs predecoded, chained blocks of instructions on one hart. Semantics come from the execute
// functions, translation from the MMU; what it all costs is the Timing policy's business.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "models/cpu/accountant.h"
#include "models/cpu/address_space.h"
#include "models/cpu/block.h"
#include "models/cpu/core.h"
#include "models/cpu/decoder.h"
#include "models/cpu/hart.h"
#include "models/cpu/isa/cache_block.h"
#include "models/cpu/isa_config.h"
#include "models/cpu/level_zero.h"
#include "models/cpu/observer.h"
#include "models/mem/hierarchy.h"
#include "models/mem/huge_pages.h"
#include "models/mem/physical_memory.h"
#include "models/mmu/mmu.h"
#include "models/mmu/pmp.h"
#include "models/mmu/tlb_hierarchy.h"
#include "models/state/archive_forward.h"
#include "models/statistics/walk_statistics.h"

namespace hvsim::cpu {

struct HartConfig {
  unsigned hart_id = 0;
  IsaConfig isa{};
  std::uint64_t cycles_per_tick = 100;
  bool synchronize_devices = false;  // stop before device accesses until other harts have caught up
  bool host_hypervisor = false;      // stop when HS-mode or M-mode is reached
  Observer* observer = nullptr;      // may be null
};

template <class Timing>
class Engine final : public Hart {
 public:
  Engine(const HartConfig& config, mem::PhysicalMemory& memory, DevicePort& devices, Timing timing);

  // Hart
  RunResult run(isa::Cycles budget, bool devices_in_step) override;
  RunResult step(bool devices_in_step) override;
  void set_debug_points(const DebugPoints* points) override;
  std::optional<WatchHit> take_watch_hit() override { return std::exchange(watch_hit_, std::nullopt); }
  void code_changed() override { ++stamp_; }
  void observe(const ObservedCode& code) override;
  void set_witness(ProgressWitness* witness) override;
  void set_mailbox(isa::Hpa at) override;
  void idle(isa::Cycles cycles) override;
  void stop() override {
    stop_ = Stop::budget;
    deadline_ = 0;
  }
  HartState& hart_state() override { return state_storage_; }
  void state_changed() override;
  void mode_changed() override;
  void set_line(isa::Interrupt line, bool high) override;
  void interrupts_changed() override { deadline_ = 0; }
  bool wakes() const override;
  isa::Cycles next_timer() const override;
  void charge(Component component, isa::Cycles cycles) override {
    state.cycle += cycles;
    (*row_)[static_cast<unsigned>(component)] += cycles;
    if constexpr (Timing::detailed)
      if (cycles != 0) timing_.pipeline.shift(cycles);
  }
  void touch(isa::Hpa address, unsigned bytes, bool write) override;
  unsigned work(const isa::NativeWork& done, std::uint64_t units) override;
  void mark(std::uint16_t kind, std::uint64_t value) override;
  Accountant& accountant() override { return accountant_; }
  const HartCounters& counters() const override { return counters_; }
  const statistics::WalkStatistics& walks() const override { return walks_; }
  const InterruptTimes& interrupt_times() const override { return interrupt_times_; }
  void settle_statistics() override;
  void reset_statistics(isa::Cycles now) override;
  void set_mark_listener(MarkListener* listener) override {
    listener_ = listener;
    hears_phases_ = listener != nullptr && listener->hears_phases();
  }
  Timing& timing() { return timing_; }
  void persist_state(state::Archive& archive) override;  // engine_persist.h
  void persist_model(state::Archive& archive) override;
  void persist_counts(state::Archive& archive) override;
  void begin_anew() override;

  // Core: what execute functions use
  HartState& state;
  std::uint64_t next_pc = 0;
  std::uint64_t pc(const Op& op) const { return state.pc + op.offset; }
  bool raise(const isa::Trap& trap) {
    trap_ = trap;
    return false;
  }
  bool illegal(const Op& op);
  template <class T>
  bool load(std::uint64_t address, T& value);
  template <class T>
  bool store(std::uint64_t address, T value);
  template <class T>
  bool load_at_once(std::uint64_t address, T& value) const;  // for handlers: see UsualAccess
  template <class T>
  bool store_at_once(std::uint64_t address, T value);
  template <class T, class Update>
  bool amo(std::uint64_t address, Update update, T& old);
  template <class T>
  bool load_reserved(std::uint64_t address, T& value);
  template <class T>
  bool store_conditional(std::uint64_t address, T value, bool& success);
  template <class T>
  bool guest_load(std::uint64_t address, isa::Access access, T& value);
  template <class T>
  bool guest_store(std::uint64_t address, T value);
  bool zero_block(std::uint64_t address);
  bool manage_block(std::uint64_t address, isa::BlockOperation operation);
  void fence(const TranslationFence& fence) override;
  void fence_instruction() {
    ++stamp_;
    if constexpr (Timing::timed) timing_.caches->fence_instruction(timing_.hart);
  }
  void wait_for_interrupt();

  // For handlers (engine_handlers.h)
  void abandon(const Op* op);  // the op did not happen: it trapped, or must wait for others
  void finish_block(std::uint64_t next, Block** link, BlockEnd end) {
    state.pc = next;
    link_ = link;
    account_block(end);
  }
  void account_block(BlockEnd end);  // all instructions of the block have retired
  void pass_block(BlockEnd end);
  void charge_ops(std::uint64_t count, std::uint64_t floats);
  void account_before(const Op* op);  // only those before `op`
  void begin_system(const Op* op);    // makes state exact for an op that may look at it
  void end_system(const Op* op);
  void abandon_system(const Op* op);  // as abandon(), after begin_system()
  void branch_outcome(const Op* op, bool taken);
  void branch_mispredicted(const Op* op, bool taken);
  void direct_jump(const Op* op, std::uint64_t target);
  void indirect_jump(const Op* op, std::uint64_t target);
  template <Id id>
  void time_simple(const Op& op);  // engine_pipeline.h
  template <Id id>
  void time_division(const Op& op);
  template <Id id>
  void time_system(const Op& op);
  template <Id id>
  void begin_access(const Op& op);
  template <Id id>
  void end_access(const Op& op);
  bool observe_step(const Op* op);  // called before each op that the observer wants to know of
  void leave_before(const Op* op);  // the observer does not let it begin
  const Block& block() const { return *block_; }
  Block& block() { return *block_; }
  static constexpr bool timed = Timing::timed, detailed = Timing::detailed;
  template <class T = Timing>  // clang looks into a function that is no template whatever it requires
  auto& pipeline() requires T::detailed {
    return static_cast<T&>(timing_).pipeline;
  }

 private:
  struct SlowValue {  // returned in registers, so that the fast paths keep their locals out of memory
    std::uint64_t value;
    bool ok;
  };
  struct Place {  // where an access lands: RAM at `host`, or a device at `physical`
    std::uint8_t* host = nullptr;
    isa::Hpa physical{};
    bool ok = false;
  };

  // The fault behind `trap_`, kept because the trap's instruction bits need the op that made it.
  struct PendingFault {
    using Kind = FaultSeen::Kind;
    Kind kind;
    isa::Access access;
    std::uint64_t address;
    mmu::AddressSpace space;
    mmu::TranslationFault why{};
    unsigned offset = 0;                 // of `address` from the first byte of a misaligned access
    std::optional<isa::Hpa> physical{};  // of an access that was translated
  };
  static isa::Trap trap_of(const PendingFault& fault, std::uint32_t instruction);
  bool raise_fault(const PendingFault& fault);
  bool note_offset(unsigned bytes);

  // engine_memory.h
  static bool entry_hits(std::uint64_t page, std::uint64_t address, unsigned bytes) {
    return (address & (~isa::kPageMask | (bytes - 1))) == page;
  }
  void touch_line(const DataEntry& entry, std::uint64_t address, bool write);
  std::uint8_t* usual_place(const DataEntry& entry, std::uint64_t address, bool write) const;
  void note_access(std::uint64_t address, isa::Hpa physical, bool write);
  void note_beside_stores(isa::Hpa physical, bool write);
  template <class T>
  SlowValue load_beside(std::uint64_t address);
  template <class T>
  bool store_beside(std::uint64_t address, T value);
  bool space_is_plain() const;
  template <bool write>
  const DataEntry* enter_plain(std::uint64_t address, unsigned bytes);
  SlowValue load_slow(std::uint64_t address, unsigned bytes);
  bool store_slow(std::uint64_t address, unsigned bytes, std::uint64_t value);
  SlowValue load_split(std::uint64_t address, unsigned bytes);
  bool store_split(std::uint64_t address, unsigned bytes, std::uint64_t value);
  Place locate(std::uint64_t address, unsigned bytes, isa::Access access);  // one page
  Place locate_guest(std::uint64_t address, unsigned bytes, isa::Access access);
  Place locate_in(LevelZero* level_zero, const mmu::AddressSpace& space, std::uint64_t address,
                  unsigned bytes, isa::Access access);
  std::optional<isa::Hpa> physical_of(std::uint64_t address, unsigned bytes, isa::Access access,
                                      const mmu::AddressSpace& space);
  SlowValue device_read(isa::Hpa address, unsigned bytes, std::uint64_t virtual_address, isa::Access access,
                        const mmu::AddressSpace& space);
  bool device_write(isa::Hpa address, unsigned bytes, std::uint64_t value, std::uint64_t virtual_address,
                    const mmu::AddressSpace& space);
  bool must_synchronize();
  isa::Result<mmu::Translation, mmu::TranslationFault> translate(std::uint64_t address, isa::Access access,
                                                                 unsigned bytes,
                                                                 const mmu::AddressSpace& space);
  bool access_fault(isa::Access access, std::uint64_t address, const mmu::AddressSpace& space,
                    std::optional<isa::Hpa> physical = {}) {
    return raise_fault({PendingFault::Kind::access, access, address, space, {}, 0, physical});
  }
  template <class T>
  std::uint8_t* atomic_place(std::uint64_t address, isa::Access access, isa::Hpa* physical = nullptr);
  mem::Hierarchy::Outcome ask_caches(mem::Hierarchy::Kind kind, isa::Hpa address, isa::Cycles at) {
    rare_events_ = true;
    if constexpr (Timing::timed)
      return timing_.caches->access(timing_.hart, kind, address, at);
    else
      return {};
  }
  template <bool write>
  void charge_access(isa::Hpa address);
  void charge_atomic(isa::Hpa address);
  void bypass_l1d();
  void note_seen(mmu::TlbHierarchy::Side side, std::uint64_t count);
  std::uint64_t charge_walk(const mmu::WalkTrace& trace, const mmu::WalkPlan& plan,
                            mmu::TlbHierarchy::Side side);
  isa::Cycles read_at_once() const;
  void spend_on(mmu::TlbHierarchy::Side side, Component component, isa::Cycles cycles);
  isa::Cycles time_of(mmu::TlbHierarchy::Side side);
  isa::Cycles end_walk(mmu::TlbHierarchy::Side side);
  isa::Cycles wait_for_walker(mmu::TlbHierarchy::Side side);
  void forget_all();
  void forget(mmu::TlbHierarchy::Side side, std::span<const mmu::Evicted> left);

  // engine_debug.h
  std::uint32_t who_runs() const;  // as DebugPoints knows them
  bool at_awaited_guest() const;
  bool at_breakpoint();
  void note_watched(std::uint64_t address, unsigned bytes, bool write);
  bool may_keep(std::uint64_t address, isa::Hpa page, bool write) const;  // in level zero
  void note_block(std::span<const Op> ops) const;
  std::uint32_t stamp_at(std::uint64_t page_offset) const;
  bool cuts_before(std::uint64_t page_offset) const;
  bool cuts_after(Class klass) const;

  bool misaligned(std::uint64_t address, unsigned bytes, isa::Access access, const mmu::AddressSpace& space);

  bool refuse_block(std::uint64_t address);  // engine_cache_block.h
  template <class Say>
  void common_events(Say say) const;  // engine_events.h
  template <class Say>
  void translation_events(Say say) const;
  EventCounts count_events() const;
  void book_events();
  void book_all_events();
  void settle_events();

  void leave_pipeline(const Op* op, std::uint64_t from);  // engine_pipeline.h: a trap
  isa::Cycles run_ahead(std::uint64_t pc, const WrongPath& path, isa::Cycles bubble = 0);
  void mispredicted(std::uint64_t wrong, bool jumped);
  void mispredicted_jump(std::uint64_t sequential);
  void flush_pipeline(std::uint64_t next, Component why, isa::Cycles extra = 0);
  std::uint64_t predicted_next(const Op& op, std::uint64_t pc);
  const Op& decoded_jump(std::uint32_t raw);
  const std::uint8_t* fetched_already(std::uint64_t pc, bool& present) const;
  void interrupt_pipeline();
  void fault_in_pipeline(const Op& op);
  void finish_in_pipeline(const Op& op);

  // engine_native.h
  void charge_line(isa::Hpa address, bool write);  // at once, past the pipeline
  void touch_settled(isa::Hpa address, unsigned bytes);
  void touch_one_by_one(isa::Hpa address, unsigned bytes, bool write);
  unsigned work_with_fetches(const isa::NativeWork& done, std::uint64_t units);
  unsigned fetch_code(isa::Hpa address, unsigned bytes);

  // engine_run.h
  std::optional<Stop> attend(isa::Cycles end);
  void deliver(const isa::Trap& trap, const Op* op = nullptr);
  void observe_trap(const TrapTaken& taken, const Op* op);
  void end_step(bool retired);
  void select_spaces();
  void select_spaces_if_changed();
  void enter_spaces();
  void note_translation();
  void update_pmp();
  void use_row();
  void settle_pipeline();
  void wait_for_late_results(const Op* until);  // engine_remembered.h: the `fast` mode
  void advance_late_results(unsigned count);
  void find_times_and_advance(unsigned count);
  void drain_late_results(isa::Cycles from_now = 0);
  void drain_before_present();
  const OpTimes& present_times() requires Timing::timed;
  isa::Cycles present_offset();
  isa::Cycles translation_time();
  void drain_stores();
  void queue_store(std::uint64_t address, isa::Cycles at);
  void hold_store(std::uint64_t address, isa::Cycles at, isa::Cycles cycles);
  isa::Cycles access_time(const OpTimes& times);
  void be_late(Component why, isa::Cycles cycles);
  void load_is_late(const OpTimes& times, isa::Cycles at, isa::Cycles cycles);
  static constexpr bool plain_storage(unsigned number);
  static constexpr bool is_pmp(unsigned number);

  // engine_blocks.h
  FetchEntry* fetch_entry(std::uint64_t pc);  // null: a fetch fault was raised
  FetchEntry* find_fetch_entry(std::uint64_t pc);
  Block* find_block();  // at state.pc; null: a fetch fault was raised
  Block* make_block();
  std::vector<Op> decode_ops(const std::uint8_t* code, std::uint64_t page_offset, bool float_enabled) const;
  Block* decode_straddling(const FetchEntry& entry, std::uint64_t pc);
  Block* decode_protected(const FetchEntry& entry, std::uint64_t pc);
  Block* decode_alone(std::uint32_t raw, std::uint64_t page_offset);
  Block* use_scratch(std::vector<Op> ops, std::uint64_t page_offset);
  void refresh_block(Block& block, const FetchEntry& entry, std::uint64_t page_offset);
  static bool still_matches(const Block& block, const std::uint8_t* code);
  Block* current_block(Block* block);  // known to match memory, and fit for the present FS
  void measure(Block& block, std::span<Op> ops, std::uint64_t page_offset) const;
  bool native(isa::Mode mode) const {  // what runs there runs on the host
    return config_.host_hypervisor && !mode.virtualized && mode.privilege != isa::Privilege::user;
  }
  void fetch_lines(const Block& block, const FetchEntry& entry);
  Handler handler_for(Id id, std::uint64_t page_offset) const;
  void choose_handlers(Block& block) const;

  void persist_blocks(state::Archive& archive);  // engine_persist.h
  void persist_block(state::Archive& archive, Block*& block, unsigned place);
  void persist_level_zero(state::Archive& archive);
  template <class Entry>
  void persist_entries(state::Archive& archive, std::array<Entry, kLevelZeroEntries>& entries, bool write);
  void point(DataEntry& entry, bool write);
  void point(FetchEntry& entry, bool);

  HartState state_storage_{};
  HartConfig config_;
  mem::PhysicalMemory& memory_;
  mem::HugePages huge_pages_;  // of main RAM
  DevicePort& devices_;
  mmu::Pmp pmp_;
  mmu::Mmu mmu_;
  mmu::WalkTrace walk_{};                                               // the last one
  std::array<statistics::PteCost, mmu::WalkTrace::kMax> walk_costs_{};  // of its accesses
  statistics::WalkStatistics walks_;
  Timing timing_;
  Accountant accountant_;
  ComponentCycles* row_ = nullptr;
  InterruptTimes interrupt_times_;
  MarkListener* listener_ = nullptr;
  bool hears_phases_ = false;
  HartCounters counters_{};
  bool rare_events_ =
      true;  // since the owner changed, one may have happened that is not among common_events()

  LevelZeroSet level_zero_;
  LevelZero* data_ = nullptr;
  LevelZero* fetch_ = nullptr;
  struct Spaces {
    std::uint64_t generation = 0;  // LevelZeroSet's
    LevelZero *data = nullptr, *fetch = nullptr;
  };
  std::array<Spaces, kModes> known_spaces_{};  // by mode_index(), unless MPRV lends one
  SpaceInputs known_for_{};
  BlockStore store_;
  Block scratch_{};              // blocks that must not be kept: page-straddling, FS-off variants
  FetchEntry uncached_fetch_{};  // of a page whose protection is not uniform

  struct DecodedJump {
    std::uint32_t raw = 0;  // 0 is no jump
    Op op{};
  };
  std::array<DecodedJump, 64> decoded_jumps_{};

  Block* block_ = nullptr;  // running now
  Block** link_ = nullptr;  // where to remember the block that comes next
  std::uint32_t stamp_ = 1;
  bool float_on_ = false;
  isa::Cycles deadline_ = 0;  // attend() is due at this cycle: end of budget, timer, or "now" (0)
  bool in_step_ = false;      // the other harts have caught up: one device access may go ahead
  isa::Cycles in_step_since_ = 0;
  unsigned line_shift_ = 6;  // L1D lines
  bool atomic_ = false;      // the present access is LR's, SC's or an AMO's
  bool respace_ = false;     // level zero was cleared: select the slots anew
  std::optional<isa::Trap> trap_;
  std::optional<PendingFault> fault_;
  std::optional<std::uint64_t> walked_;  // the address that walk_ is about, when an observer might ask
  bool step_open_ = false;               // the observer was told of an op that has not retired yet
  std::optional<Stop> stop_;
  ObservedCode observed_;

  const DebugPoints* points_ = nullptr;
  bool stepping_ = false;  // a step is not stopped by a breakpoint where it begins
  ProgressWitness* witness_ = nullptr;
  std::optional<isa::Hpa> mailbox_page_;
  std::optional<WatchHit> watch_hit_;
};

}  // namespace hvsim::cpu

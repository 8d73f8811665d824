// The parts of the RISC-V port that are too long to be inlined: register groups and fences.
#include "arch.h"

#include "hypervisor/arch/riscv/world_switch.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;
using riscv::read_csr;
using riscv::write_csr;

// HFENCE.VVMA takes the VMID from hgatp, and so does the firmware that is asked for it on other harts (SBI,
// RFENCE, FID 6: of the calling hart). vsatp is zero while hgatp is not its own: it is active in HS-mode, too
// (hstatus.HU aside), and what is walked for ahead of time must not be cached under another VM's VMID.
class OfVm {
 public:
  explicit OfVm(std::uint64_t hgatp) : own_(read_csr<csr::hgatp>()) {
    changed_ = own_ != hgatp;
    if (!changed_) return;
    vsatp_ = read_csr<csr::vsatp>();
    write_csr<csr::vsatp>(0);
    write_csr<csr::hgatp>(hgatp);
  }
  ~OfVm() {
    if (!changed_) return;
    write_csr<csr::hgatp>(own_);
    write_csr<csr::vsatp>(vsatp_);
  }
  OfVm(const OfVm&) = delete;
  OfVm& operator=(const OfVm&) = delete;

 private:
  std::uint64_t own_, vsatp_ = 0;
  bool changed_;
};

void local_fence(const GuestFence& fence) {
  switch (fence.kind) {
    case GuestFence::Kind::g_stage:
      if (fence.page == GuestFence::kWhole)
        riscv_hfence_gvma_vmid(fence.vmid());
      else
        riscv_hfence_gvma_page(fence.page >> 2, fence.vmid());
      break;
    case GuestFence::Kind::vs_stage: {
      const OfVm vm(fence.hgatp);
      riscv_hfence_vvma();
      break;
    }
    case GuestFence::Kind::instructions:
      asm volatile("fence.i" : : : "memory");
      break;
    case GuestFence::Kind::everything:
      riscv_hfence_gvma();
      riscv_hfence_vvma();  // of the present VMID: all have the same one
      break;
  }
}

void remote_fence(const GuestFence& fence) {
  switch (fence.kind) {
    case GuestFence::Kind::g_stage:
      if (fence.page == GuestFence::kWhole)
        riscv::sbi_remote_hfence_gvma_vmid(fence.harts, fence.vmid());
      else
        riscv::sbi_remote_hfence_gvma_page(fence.harts, fence.page, fence.vmid());
      break;
    case GuestFence::Kind::vs_stage: {
      const OfVm vm(fence.hgatp);
      riscv::sbi_remote_hfence_vvma(fence.harts);
      break;
    }
    case GuestFence::Kind::instructions:
      riscv::sbi_remote_fence_i(fence.harts);
      break;
    case GuestFence::Kind::everything:
      riscv::sbi_remote_hfence_gvma(fence.harts);
      riscv::sbi_remote_hfence_vvma(fence.harts);
      break;
  }
}

void save_vs(VsRegisters& vs) {
  vs.vsstatus = read_csr<csr::vsstatus>();
  vs.vsie = read_csr<csr::vsie>();
  vs.vstvec = read_csr<csr::vstvec>();
  vs.vsscratch = read_csr<csr::vsscratch>();
  vs.vsepc = read_csr<csr::vsepc>();
  vs.vscause = read_csr<csr::vscause>();
  vs.vstval = read_csr<csr::vstval>();
  vs.vsatp = read_csr<csr::vsatp>();
  vs.scounteren = read_csr<csr::scounteren>();
  vs.senvcfg = read_csr<csr::senvcfg>();
  if ((vs.henvcfg & csr::kStce) != 0) vs.vstimecmp = read_csr<csr::vstimecmp>();
}

// A vsatp is in place with its own VM's hgatp only, for the reason that OfVm gives.
void restore_vs(const VsRegisters& vs) {
  write_csr<csr::vsatp>(0);
  write_csr<csr::hgatp>(vs.hgatp);
  write_csr<csr::henvcfg>(vs.henvcfg);
  write_csr<csr::vsstatus>(vs.vsstatus);
  write_csr<csr::vsie>(vs.vsie);
  write_csr<csr::vstvec>(vs.vstvec);
  write_csr<csr::vsscratch>(vs.vsscratch);
  write_csr<csr::vsepc>(vs.vsepc);
  write_csr<csr::vscause>(vs.vscause);
  write_csr<csr::vstval>(vs.vstval);
  write_csr<csr::vsatp>(vs.vsatp);
  write_csr<csr::scounteren>(vs.scounteren);
  write_csr<csr::senvcfg>(vs.senvcfg);
  if ((vs.henvcfg & csr::kStce) != 0) write_csr<csr::vstimecmp>(vs.vstimecmp);
}

}  // namespace

std::optional<std::uint32_t> Arch::guest_instruction(std::uint64_t pc) {
  const std::uint64_t word = riscv_read_guest_instruction(pc);
  if (word == ~std::uint64_t{0}) return std::nullopt;
  return static_cast<std::uint32_t>(word);
}

void Arch::fence(const GuestFence& fence) {
  if (fence.harts == std::uint64_t{1} << hart_)
    local_fence(fence);
  else
    remote_fence(fence);
  asm volatile("fence rw, rw" : : : "memory");  // what the others stored before it is seen behind it
}

void Arch::save(Vcpu& vcpu, RegisterGroup group) {
  if (group == RegisterGroup::vs)
    save_vs(vcpu.vs);
  else
    riscv_save_fp(&vcpu.fp);
}

void Arch::restore(Vcpu& vcpu, RegisterGroup group) {
  if (group == RegisterGroup::vs) {
    restore_vs(vcpu.vs);
    // A guest without Sstc must not see the timer of the one before it: QEMU 7.2 keeps comparing vstimecmp
    // although henvcfg.STCE is clear.
    if (board_.has_sstc() && (vcpu.vs.henvcfg & csr::kStce) == 0)
      write_csr<csr::vstimecmp>(~std::uint64_t{0});
  } else
    riscv_restore_fp(&vcpu.fp);
}

}  // namespace hv

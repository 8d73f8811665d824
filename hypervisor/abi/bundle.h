// The bundle: one flattened device tree that names the hypervisor's settings and its VMs and carries their
// images. It reaches the hypervisor as the initrd (/chosen linux,initrd-start/-end), on QEMU with `-initrd`.
//
//   / { compatible = "hvsim,bundle"; version = <1>;
//     hypervisor { delivery = "dlh"; calls-per-notification = <8>; queue-capacity = <64>;
//                  drain-budget-cycles = <20000>; max-deferred-entries = <4>; time-slice-us = <1000>;
//                  drain-at-entry = <1>;        // 0: calls wait for a full queue or a barrier
//                  scheduler = "round_robin";   // or "credit", with weights and caps of VMs
//                  cap-period-us = <10000>;     // a cap is a share of each such period
//                  audit-exits = <0>;           // every so many exits it checks its own tables
//                  print-statistics = <0>;      // 1: one line of counts per VM when it is off
//                  read-instructions = <0>;     // 1: device accesses are decoded without htinst
//                  sharing { policy = <4>; period-us = <100000>; };  // hypervisor/sharing/settings.h
//                  // Other policies while VMs run, each later than the last (hypervisor/policy_plan.h):
//                  switches { switch@0 { at-us = <5000>; scheduler = "credit"; sharing = <1>; }; }; };
//     vms { vm@0 { name = "storm-0"; memory-bytes = /bits/ 64 <0x1000000>; vcpus = <1>;
//                  harts = <0 1>;           // where its VCPUs may run; absent: anywhere
//                  weight = <256>;          // credit: share of the harts it competes for
//                  cap-percent = <0>;       // credit: of one hart's time, at most; 0: no cap
//                  sstc = <0>;              // 1: the guest may use vstimecmp
//                  arguments = "calls=1000 seed=1";
//                  image = [flat binary for guest-physical 0x80000000, entered at its first byte];
//                  disk = [what its virtio block device holds at first];
//                  // A VM that boots Linux has a device tree, a PLIC and a 16550, too:
//                  boot = "linux";          // the image is a flat RISC-V Linux Image; "flat" is the default
//                  bootargs = "console=ttyS0"; initrd = [...]; rng-seed = [...];
//                  symbols = /bits/ 64 <...> }; }; };  // of its kernel (abi/kernel_symbols.h)
#pragma once

namespace hv::abi {
inline constexpr char kBundleCompatible[] = "hvsim,bundle";
inline constexpr unsigned kBundleVersion = 1;
}  // namespace hv::abi

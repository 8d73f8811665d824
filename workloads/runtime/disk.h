// The VM's virtio disk: requests under way side by side, each told done by an interrupt of the virtual PLIC.
#pragma once

#include <cstdint>

#include "workloads/virtio/virtio.h"

namespace guest::disk {

inline constexpr unsigned kMostUnderWay = 4;

// Maps the registers of disk and PLIC. False: this VM has no disk.
bool map_registers();
// The same, and the disk is ready, its interrupt goes to VCPU 0. False: there is none, or it refuses.
bool start();
std::uint64_t sectors();

// `bytes` is a multiple of 512; `slot`, below kMostUnderWay, is not under way.
void begin(unsigned slot, bool writes, std::uint64_t sector, void* data, std::uint32_t bytes);
bool under_way(unsigned slot);
bool succeeded(unsigned slot);
std::uint64_t finished_at(unsigned slot);  // ticks, when its interrupt was handled

}  // namespace guest::disk

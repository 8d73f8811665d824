// Attacks with files of their own, and what all attacks have in common.
#pragma once

#include <cstdint>

#include "workloads/kernels/prng.h"

namespace hostile {

workload::Prng& prng();
void expect(bool good);  // of an answer: what a sound hypervisor gives
std::uint64_t surprises();

void dma();
void rings();
void maps();
// For a second VCPU, over and over: changes a word of what the hypervisor may be reading, once it has been
// offered.
void rewrite_ring(workload::Prng& own);
void rewrite_map(workload::Prng& own);

}  // namespace hostile

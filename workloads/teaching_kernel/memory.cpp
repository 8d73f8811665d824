// Frames never used before are taken in order; freed ones wait in a list that runs through themselves.
#include "workloads/teaching_kernel/memory.h"

#include <cstring>
#include <new>

#include "workloads/teaching_kernel/lock.h"

extern "C" char image_end[];

namespace kernel {
namespace {

struct FreeFrame {
  FreeFrame* next;
};

Spinlock lock;
FreeFrame* free_frames;
std::uint64_t never_used;  // address; 0: not asked yet

void* take() {
  const Holding holding(lock);
  if (FreeFrame* frame = free_frames) {
    free_frames = frame->next;
    return frame;
  }
  if (never_used == 0) never_used = reinterpret_cast<std::uint64_t>(image_end);
  if (never_used == kMemoryEnd) return nullptr;
  never_used += kPageBytes;
  return reinterpret_cast<void*>(never_used - kPageBytes);
}

}  // namespace

void* allocate_frame() {
  void* frame = take();
  if (frame != nullptr) std::memset(frame, 0, kPageBytes);
  return frame;
}

// Filled with nonsense, so that who uses it afterwards is found out.
void free_frame(void* frame) {
  std::memset(frame, 0xDB, kPageBytes);
  const Holding holding(lock);
  free_frames = new (frame) FreeFrame{free_frames};
}

}  // namespace kernel

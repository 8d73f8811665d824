// What is counted about the memory of each VM and of the machine: numbers by name, sent to whoever watches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hv {

enum class SharingCounter : std::uint8_t {
  memory_pages,
  private_pages,
  shared_pages,
  merged_pages,
  peak_shared_pages,
  shared_page_ticks,
  free_pages,
  rounds,
  first_free_pages,
  second_free_pages,
  scanned_pages,
  scan_cycles,
  marked_writes,
  unshared_pages,
  unshared_blocks,
  unshare_cycles,
  splintered_blocks,
  joined_blocks,
  detected_pages,
  detect_ticks,
  longest_detect_ticks,
  content_scanned_pages,
  content_cycles,
  merges,
  released_pages,
  pauses,
  pause_ticks,
  introspection_cycles,
  declined,
  pool_pages,
  least_free_pages,
  pool_free_pages,
  pool_kept_pages,
  content_frames,
  content_frame_ticks,
  count
};
inline constexpr std::size_t kSharingCounters = static_cast<std::size_t>(SharingCounter::count);

// Pages and frames are of 4 KiB, ticks are of the machine's time base.
struct SharingCounterText {
  std::string_view name, help;
};
inline constexpr std::array<SharingCounterText, kSharingCounters> kSharingCounterTexts{
    {{"memory_pages", "pages that the VM was promised"},
     {"private_pages", "frames of its own that it holds now"},
     {"shared_pages", "pages that map to the one zero frame now"},
     {"merged_pages", "pages that map to a frame shared by content now"},
     {"peak_shared_pages", "most pages that were shared or merged at once"},
     {"shared_page_ticks", "shared and merged pages, summed over ticks"},
     {"free_pages", "pages that were free by its map in the last round"},
     {"rounds", "rounds over its map"},
     {"first_free_pages", "pages that the first look of a round found free, over all rounds"},
     {"second_free_pages", "of those, pages that the second look found free, too"},
     {"scanned_pages", "pages that looks at the map covered"},
     {"scan_cycles", "of all steps over its map"},
     {"marked_writes", "writes to pages between mark and share"},
     {"unshared_pages", "shared pages that got 4 KiB, by a write or ahead of it"},
     {"unshared_blocks", "writes to shared pages that got 2 MiB"},
     {"unshare_cycles", "of the writes to shared pages, without exit and entry"},
     {"splintered_blocks", "2 MiB leaves that became 4 KiB leaves"},
     {"joined_blocks", "2 MiB leaves that were made of 4 KiB leaves again"},
     {"detected_pages", "shared pages of which the map says since when they were free"},
     {"detect_ticks", "how long they had been free, summed"},
     {"longest_detect_ticks", "how long they had been free, at most"},
     {"content_scanned_pages", "pages whose content was looked at"},
     {"content_cycles", "of all looks at content"},
     {"merges", "pages merged by content, ever"},
     {"released_pages", "pages that the guest gave back: balloon and reports"},
     {"pauses", "times that a VCPU waited for a frame"},
     {"pause_ticks", "how long VCPUs waited for frames"},
     {"introspection_cycles", "to find the map in a Linux guest"},
     {"declined", "times that a memory map could not be used"},
     {"pool_pages", "pages of the machine for VMs and tables"},
     {"least_free_pages", "fewest of the pool's pages free at once"},
     {"pool_free_pages", "pages of the pool that are free now"},
     {"pool_kept_pages", "of those, pages that are kept for tables: one per 2 MiB leaf that may be split"},
     {"content_frames", "frames that pages share by content now"},
     {"content_frame_ticks", "frames that pages share by content, summed over ticks"}}};
// By themselves, so that no help comes into the hypervisor's image.
inline constexpr std::array<std::string_view, kSharingCounters> kSharingCounterNames = [] {
  std::array<std::string_view, kSharingCounters> names;
  for (std::size_t i = 0; i < kSharingCounters; ++i) names[i] = kSharingCounterTexts[i].name;
  return names;
}();

// The value of MarkKind::statistic: what, of which VM (kMachineCounters: of the machine), how much.
inline constexpr unsigned kMachineCounters = 0xFF;
constexpr std::uint64_t mark_statistic(unsigned vm, SharingCounter counter, std::uint64_t value) {
  constexpr std::uint64_t most = (std::uint64_t{1} << 48) - 1;
  return std::uint64_t{static_cast<std::uint8_t>(counter)} << 56 | std::uint64_t{vm & 0xFF} << 48 |
         (value < most ? value : most);
}

}  // namespace hv

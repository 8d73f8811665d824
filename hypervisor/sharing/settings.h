// How memory is given to VMs and shared between them: the settings, and how each is called in a bundle.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace hv {

enum class SharingPolicy : std::uint32_t {
  none,
  content_scan,         // hash and tree over all pages, at a rate
  balloon,              // the guest is asked to give pages back
  free_page_reporting,  // the guest reports free blocks by itself
  memory_map,           // free pages by the guest's memory map (US 9,058,197 B2)
  memory_map_and_content_scan,
  oracle,  // memory_map at no cost; on the host only
  count
};

enum class MapSource : std::uint32_t { cooperative, introspection, count };

constexpr bool scans_maps(SharingPolicy policy) {
  return policy == SharingPolicy::memory_map || policy == SharingPolicy::memory_map_and_content_scan ||
         policy == SharingPolicy::oracle;
}
constexpr bool scans_content(SharingPolicy policy) {
  return policy == SharingPolicy::content_scan || policy == SharingPolicy::memory_map_and_content_scan;
}
constexpr bool takes_back(SharingPolicy policy) {
  return policy == SharingPolicy::balloon || policy == SharingPolicy::free_page_reporting;
}

// What an experiment or a test leaves out, to see what it was good for. All but `none` change what a policy
// does. Wrong on purpose are no_second_check and no_remote_fence, which lose writes, and no_second_fence,
// which shows a VM what another wrote.
enum class SharingAblation : std::uint32_t {
  none,
  no_second_check,  // pages are shared by the first look at the map alone
  no_remote_fence,  // read-only marks take effect whenever they happen to
  scan_only,        // the map is read twice, nothing is marked
  splinter_only,    // blocks are splintered and pages marked, nothing is shared
  no_second_fence,  // frames are given away while old translations may still reach them
  count
};

struct SharingSettings {
  SharingPolicy policy = SharingPolicy::none;
  MapSource source = MapSource::cooperative;
  SharingAblation ablation = SharingAblation::none;
  bool demand = false;          // memory is given at the first write, so more may be promised than there is
  bool block_leaves = true;     // false: stage two maps 4 KiB pages only
  bool unshare_blocks = false;  // a write to a shared 2 MiB block gets all of it back, if there is one
  bool any_policy = false;      // others may follow while VMs run; not in the bundle's node
  std::uint32_t scan_hart = 0;
  std::uint32_t start_us = 0;              // scans begin so long after boot
  std::uint32_t period_us = 100'000;       // from the begin of a round over all maps to that of the next
  std::uint32_t step_pages = 512;          // most pages that one step of a round looks at
  std::uint32_t step_gap_us = 50;          // between steps, so that entries are not held up
  std::uint32_t reserve_pages = 0;         // free pages of each VM that are left alone
  std::uint32_t splinter_free_pages = 1;   // free pages that a mapped block must have to be splintered
  std::uint32_t pages_per_second = 1000;   // of content_scan
  std::uint32_t content_step_pages = 20;   // pages that one step of content_scan looks at
  std::uint32_t balloon_percent = 90;      // of a VM's free pages that the balloon asks for
  std::uint32_t balloon_order = 0;         // 0: 4 KiB, 9: 2 MiB at a time
  std::uint32_t report_delay_us = 10'000;  // a block must have been free so long to be reported
  std::uint32_t epoch_us = 10'000;         // between samples of the time series

  bool shares() const { return policy != SharingPolicy::none || demand || any_policy; }
};
static_assert(std::has_unique_object_representations_v<SharingSettings>);  // see SchedulerSettings

inline constexpr std::array<std::string_view, static_cast<std::size_t>(SharingPolicy::count)>
    kSharingPolicyNames{
        "none",  "content_scan", "balloon", "free_page_reporting", "memory_map", "memory_map+content_scan",
        "oracle"};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(MapSource::count)> kMapSourceNames{
    "cooperative", "introspection"};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(SharingAblation::count)>
    kSharingAblationNames{"none",      "no_second_check", "no_remote_fence",
                          "scan_only", "splinter_only",   "no_second_fence"};

// One setting as a 32-bit number of the bundle's node `sharing`.
struct SharingField {
  std::string_view name;
  std::uint32_t (*read)(const SharingSettings&);
  void (*write)(SharingSettings&, std::uint32_t);
  std::uint32_t least, most;
};

namespace detail {

template <auto member>
constexpr SharingField sharing_field(std::string_view name, std::uint32_t least, std::uint32_t most) {
  using T = std::remove_reference_t<decltype(std::declval<SharingSettings&>().*member)>;
  return {name, [](const SharingSettings& s) { return static_cast<std::uint32_t>(s.*member); },
          [](SharingSettings& s, std::uint32_t value) { s.*member = static_cast<T>(value); }, least, most};
}

template <class E>
constexpr std::uint32_t last() {
  return static_cast<std::uint32_t>(E::count) - 1;
}

}  // namespace detail

inline constexpr std::uint32_t kLongestSharingTime = 4'000'000'000;  // microseconds

inline constexpr std::array kSharingFields{
    detail::sharing_field<&SharingSettings::policy>("policy", 0, detail::last<SharingPolicy>()),
    detail::sharing_field<&SharingSettings::source>("source", 0, detail::last<MapSource>()),
    detail::sharing_field<&SharingSettings::ablation>("ablation", 0, detail::last<SharingAblation>()),
    detail::sharing_field<&SharingSettings::demand>("demand", 0, 1),
    detail::sharing_field<&SharingSettings::block_leaves>("block-leaves", 0, 1),
    detail::sharing_field<&SharingSettings::unshare_blocks>("unshare-blocks", 0, 1),
    detail::sharing_field<&SharingSettings::scan_hart>("scan-hart", 0, 63),
    detail::sharing_field<&SharingSettings::start_us>("start-us", 0, kLongestSharingTime),
    detail::sharing_field<&SharingSettings::period_us>("period-us", 100, kLongestSharingTime),
    detail::sharing_field<&SharingSettings::step_pages>("step-pages", 512, 65536),
    detail::sharing_field<&SharingSettings::step_gap_us>("step-gap-us", 1, 1'000'000),
    detail::sharing_field<&SharingSettings::reserve_pages>("reserve-pages", 0, 1u << 20),
    detail::sharing_field<&SharingSettings::splinter_free_pages>("splinter-free-pages", 1, 512),
    detail::sharing_field<&SharingSettings::pages_per_second>("pages-per-second", 1, 100'000'000),
    detail::sharing_field<&SharingSettings::content_step_pages>("content-step-pages", 1, 4096),
    detail::sharing_field<&SharingSettings::balloon_percent>("balloon-percent", 0, 100),
    detail::sharing_field<&SharingSettings::balloon_order>("balloon-order", 0, 9),
    detail::sharing_field<&SharingSettings::report_delay_us>("report-delay-us", 0, kLongestSharingTime),
    detail::sharing_field<&SharingSettings::epoch_us>("epoch-us", 100, kLongestSharingTime),
};

}  // namespace hv

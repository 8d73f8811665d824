// What must add up in the statistics of any run, whatever ran.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

namespace hvsim::tests {

class Sums {
 public:
  explicit Sums(const nlohmann::json& stats) : stats_(stats) {
    for (std::size_t hart = 0; hart < stats.at("harts").size(); ++hart) check_hart(hart);
    check_shared_caches();
    check_walks();
    check_cells();
    check_exits();
    check_epochs();
  }
  // Empty if everything adds up.
  const std::string& broken() const { return broken_; }

 private:
  using Json = nlohmann::json;

  static std::uint64_t number(const Json& json) { return json.get<std::uint64_t>(); }
  static std::uint64_t total(const Json& components) {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : components.items()) sum += number(count);
    return sum;
  }
  void expect(const std::string& what, std::uint64_t sum, std::uint64_t whole) {
    if (sum != whole)
      broken_ +=
          what + ": the parts are " + std::to_string(sum) + ", the whole " + std::to_string(whole) + "\n";
  }

  void check_hart(std::size_t number_of_hart) {
    const Json& hart = stats_.at("harts").at(number_of_hart);
    const std::string name = "hart " + std::to_string(number_of_hart) + " ";
    std::map<std::string, std::uint64_t> cells, shares, events;
    for (const Json& row : stats_.at("cpi"))
      if (row.at("hart") == number_of_hart)
        for (const auto& [component, cycles] : row.at("components").items())
          cells[component] += number(cycles);
    for (const Json& row : stats_.at("shares")) {
      if (row.at("hart") != number_of_hart) continue;
      for (const auto& [component, cycles] : row.at("components").items())
        shares[component] += number(cycles);
      for (const auto& [event, count] : row.at("events").items()) events[event] += number(count);
      expect(name + "cycles of a share", total(row.at("components")), number(row.at("events").at("cycles")));
    }
    for (const auto& [component, cycles] : cells) expect(name + component, shares[component], cycles);
    expect(name + "cells of the CPI stack", total(Json(cells)), number(hart.at("cycles")));
    const std::pair<const char*, const Json*> wholes[] = {
        {"cycles", &hart.at("cycles")},
        {"instructions", &hart.at("retired")},
        {"traps", &hart.at("counters").at("traps")},
        {"interrupts", &hart.at("counters").at("interrupts")},
        {"page_walks", &hart.at("counters").at("walks")},
        {"first_stage_pte_reads", &hart.at("counters").at("walk_pte_reads_first")},
        {"g_stage_pte_reads", &hart.at("counters").at("walk_pte_reads_g")},
        {"device_accesses", &hart.at("counters").at("device_accesses")},
        {"l1i_accesses", &hart.at("l1i").at("accesses")},
        {"l1i_misses", &hart.at("l1i").at("misses")},
        {"l1d_accesses", &hart.at("l1d").at("accesses")},
        {"l1d_misses", &hart.at("l1d").at("misses")},
        {"itlb_accesses", &hart.at("itlb").at("lookups")},
        {"itlb_misses", &hart.at("itlb").at("misses")},
        {"dtlb_accesses", &hart.at("dtlb").at("lookups")},
        {"dtlb_misses", &hart.at("dtlb").at("misses")},
        {"l2tlb_accesses", &hart.at("l2tlb").at("lookups")},
        {"l2tlb_misses", &hart.at("l2tlb").at("misses")},
        {"gtlb_accesses", &hart.at("gtlb").at("lookups")},
        {"gtlb_misses", &hart.at("gtlb").at("misses")},
        {"walk_cache_first_accesses", &hart.at("walk_cache_first").at("lookups")},
        {"walk_cache_first_misses", &hart.at("walk_cache_first").at("misses")},
        {"walk_cache_g_accesses", &hart.at("walk_cache_g").at("lookups")},
        {"walk_cache_g_misses", &hart.at("walk_cache_g").at("misses")}};
    expect(name + "cache_references", events["cache_references"], number(hart.at("l1d").at("accesses")));
    expect(name + "cache_misses", events["cache_misses"], number(hart.at("l1d").at("misses")));
    for (const auto& [event, whole] : wholes) expect(name + event, events[event], number(*whole));
    std::map<std::string, std::uint64_t> traps;
    for (const Json& row : stats_.at("traps")) {
      if (row.at("hart") != number_of_hart) continue;
      traps["all"] += number(row.at("count"));
      if (row.at("cause").get<std::string>().starts_with("IRQ_"))
        traps["interrupts"] += number(row.at("count"));
    }
    expect(name + "traps by mode", traps["all"], number(hart.at("counters").at("traps")));
    expect(name + "interrupts by mode", traps["interrupts"], number(hart.at("counters").at("interrupts")));
  }

  // What all owners on all harts asked of a cache that they share is what it was asked.
  void check_shared_caches() {
    for (const std::string cache : {"l2", "llc"})
      for (const std::string what : {"accesses", "misses"}) {
        std::string event = cache;
        event += '_' + what;
        std::uint64_t sum = 0;
        for (const Json& row : stats_.at("shares")) sum += number(row.at("events").at(event));
        expect(event, sum, number(stats_.at(cache).at(what)));
      }
  }

  // Every cycle lies in exactly one cell: no two rows are the same cell.
  void check_cells() {
    std::set<std::string> cells;
    for (Json row : stats_.at("cpi")) {
      row.erase("components");
      if (!cells.insert(row.dump()).second) broken_ += "two rows of the CPI stack are " + row.dump() + "\n";
    }
  }

  // Cells with an exit's cause hold the cycles of its exits, and of one more on each hart: that which was not
  // over at the end. What had begun before a reset is longer than what cells know of it.
  void check_exits() {
    if (number(stats_.at("measured_from")) != 0) return;
    std::map<std::pair<std::string, std::string>, std::uint64_t> cells, exits;  // by VM and cause
    for (const Json& row : stats_.at("cpi"))
      if (row.at("cause") != "-" && (row.at("cause") != "RESUMED" || row.at("vm") != "-"))
        cells[{row.at("vm"), row.at("cause")}] += total(row.at("components"));
    for (const Json& row : stats_.at("exits"))
      exits[{row.at("vm"), row.at("cause")}] = number(row.at("cycles"));
    for (const auto& [key, cycles] : exits)
      if (cycles > cells[key]) expect("exits of " + key.first + " by " + key.second, cells[key], cycles);
    std::size_t open = 0;
    for (const auto& [key, cycles] : cells) open += cycles != exits[key] ? 1 : 0;
    if (open > stats_.at("harts").size())
      broken_ += std::to_string(open) + " causes of exits whose cells hold more than their exits\n";
  }

  // What happened in all epochs is what happened.
  void check_epochs() {
    const Json& epochs = stats_.at("epochs");
    if (number(epochs.at("length")) == 0) return;
    const Json& rows = epochs.at("rows");
    std::map<std::string, std::uint64_t> parts;
    const auto key = [](const Json& hart, const Json& vm, const Json& vcpu, const Json& mode) {
      return "hart " + hart.dump() + " VM " + vm.dump() + " VCPU " + vcpu.dump() + " " + mode.dump() + " ";
    };
    for (std::size_t i = 0; i < rows.at("hart").size(); ++i) {
      const std::string who = key(rows["hart"][i], rows["vm"][i], rows["vcpu"][i], rows["mode"][i]);
      for (const auto& [column, values] : rows.items())
        if (column != "epoch" && column != "hart" && column != "vcpu" && values[i].is_number())
          parts[who + column] += number(values[i]);
    }
    for (const Json& share : stats_.at("shares")) {
      const std::string who = key(share.at("hart"), share.at("vm"), share.at("vcpu"), share.at("mode"));
      for (const char* group : {"components", "events"})
        for (const auto& [column, count] : share.at(group).items()) {
          expect(who + column + " in epochs", parts[who + column], number(count));
          parts.erase(who + column);
        }
    }
    for (const auto& [what, count] : parts) expect(what + " in epochs alone", count, 0);
  }

  void check_walks() {
    std::uint64_t walks = 0, reads = 0;
    for (const Json& hart : stats_.at("harts")) {
      const Json& counters = hart.at("counters");
      walks += number(counters.at("walks"));
      reads += number(counters.at("walk_pte_reads_first")) + number(counters.at("walk_pte_reads_g"));
    }
    const Json& by = stats_.at("walks");
    std::uint64_t of_kinds = 0, of_spaces = 0, of_pages = 0, faults = 0, of_buckets = 0, ptes = 0;
    std::uint64_t kind_cycles = 0, space_cycles = 0;
    for (const Json& row : by.at("kinds")) {
      of_kinds += number(row.at("cycles").at("count"));
      kind_cycles += number(row.at("cycles").at("sum"));
      faults += number(row.at("faults"));
      for (const Json& bucket : row.at("cycles").at("buckets")) of_buckets += number(bucket.at("count"));
    }
    for (const Json& row : by.at("spaces")) {
      of_spaces += number(row.at("walks"));
      space_cycles += number(row.at("cycles"));
    }
    for (const Json& row : by.at("pages")) of_pages += number(row.at("walks"));
    for (const Json& row : by.at("ptes"))
      if (row.at("access") == "read" && row.at("source") != "walker") ptes += number(row.at("count"));
    expect("walks by kind", of_kinds, walks);
    expect("walks by length", of_buckets, walks);
    expect("walks by space", of_spaces, walks);
    expect("walks by page, and faults", of_pages + faults, walks);
    expect("PTE reads", ptes, reads);
    expect("cycles of walks by space", space_cycles, kind_cycles);
  }

  const nlohmann::json& stats_;
  std::string broken_;
};

}  // namespace hvsim::tests

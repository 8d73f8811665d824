// Words of a command line into a bundle's description.
#include "sim/image/bundle_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>

#include "sim/image/elf.h"
#include "sim/image/linux_image.h"
#include "sim/image/system_map.h"

namespace hvsim::sim {
namespace {

using Error = std::optional<std::string>;

Error parse_number(const std::string& field, const std::string& text, std::uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return std::nullopt;
  return field + " is \"" + text + "\", expected a number from 0 to 4294967295";
}

Error parse_switch(const std::string& field, const std::string& text, bool& value) {
  if (text != "0" && text != "1") return field + " is \"" + text + "\", expected 0 or 1";
  return value = text == "1", std::nullopt;
}

Error parse_harts(const std::string& text, std::vector<unsigned>& harts) {
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(':', start), text.size());
    if (Error error = parse_number("harts", text.substr(start, end - start), harts.emplace_back()))
      return error;
    start = end + 1;
  }
  return std::nullopt;
}

Error read_whole(const std::string& path, std::vector<std::byte>& content) {
  auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  content = std::move(bytes.value());
  return std::nullopt;
}

Error read_image(const std::string& key, const std::string& path, BundleVm& vm) {
  if (key == "linux") {
    vm.linux_boot = true;
    if (Error error = read_whole(path, vm.image)) return error;
    const auto problem = find_kernel_problem(vm.image);
    return problem ? Error{path + ": " + *problem} : std::nullopt;
  }
  const auto image = key == "image" ? load_elf(path) : load_flat(path, hv::abi::kGuestMemoryBase);
  if (!image) return image.error();
  if (image->entry != hv::abi::kGuestMemoryBase)
    return path + ": a guest is entered at its first byte, expected entry 0x80000000";
  auto flat = flatten(*image, hv::abi::kGuestMemoryBase, vm.memory_bytes);
  if (!flat) return flat.error();
  vm.image = std::move(flat.value());
  return std::nullopt;
}

Error apply_field(const std::string& key, const std::string& value, BundleVm& vm) {
  if (key == "name") return vm.name = value, std::nullopt;
  if (key == "arguments") return vm.arguments = value, std::nullopt;
  if (key == "bootargs") return vm.bootargs = value, std::nullopt;
  if (key == "seed") {
    std::uint32_t seed = 0;
    Error error = parse_number(key, value, seed);
    vm.seed = seed;
    return error;
  }
  if (key == "initrd") return read_whole(value, vm.initrd);
  if (key == "disk") return read_whole(value, vm.disk);
  if (key == "symbols") {
    const auto symbols = load_system_map(value);
    if (!symbols) return symbols.error();
    return vm.symbols = *symbols, std::nullopt;
  }
  if (key == "vcpus") return parse_number(key, value, vm.vcpus);
  if (key == "harts") return parse_harts(value, vm.harts);
  if (key == "memory") {
    const auto bytes = parse_size(value);
    if (!bytes) return "memory " + bytes.error();
    return vm.memory_bytes = *bytes, std::nullopt;
  }
  if (key == "weight") return parse_number(key, value, vm.share.weight);
  if (key == "cap") return parse_number(key, value, vm.share.cap_percent);
  if (key == "sstc") return parse_switch(key, value, vm.sstc);
  return "\"" + key +
         "\" is unknown, expected name, memory, vcpus, harts, weight, cap, sstc, image, flat, linux, initrd, "
         "symbols, disk, seed, "
         "bootargs or arguments";
}

// key=value fields separated by commas; `arguments` takes the rest. The image comes after the memory that
// it must fit into, wherever it stands.
Error parse_vm(const std::string& text, BundleVm& vm) {
  std::string image_key, image_path;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t equals = text.find('=', start);
    if (equals == std::string::npos) return "\"" + text.substr(start) + "\", expected key=value";
    const std::string key = text.substr(start, equals - start);
    const std::size_t end =
        key == "arguments" || key == "bootargs" ? text.size() : std::min(text.find(',', equals), text.size());
    const std::string value = text.substr(equals + 1, end - equals - 1);
    if (key == "image" || key == "flat" || key == "linux") {
      image_key = key;
      image_path = value;
    } else if (Error error = apply_field(key, value, vm)) {
      return error;
    }
    start = end + 1;
  }
  if (image_key.empty()) return "has no image, expected image=FILE, flat=FILE or linux=FILE";
  return read_image(image_key, image_path, vm);
}

template <std::size_t count>
std::optional<std::uint32_t> index_of(const std::array<std::string_view, count>& names,
                                      std::string_view name) {
  for (std::uint32_t i = 0; i < count; ++i)
    if (names[i] == name) return i;
  return std::nullopt;
}

// field=value, separated by commas; fields as in the bundle, with the words of a config for choices.
Error parse_sharing(const std::string& text, hv::SharingSettings& sharing) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const std::string token = text.substr(start, end - start);
    const std::size_t equals = std::min(token.find('='), token.size());
    const std::string key = token.substr(0, equals);
    const std::string word = token.substr(std::min(equals + 1, token.size()));
    start = end + 1;
    const auto field = std::ranges::find(hv::kSharingFields, key, &hv::SharingField::name);
    if (field == hv::kSharingFields.end()) return "--sharing: \"" + key + "\" is no field of it";
    auto choice = key == "policy"     ? index_of(hv::kSharingPolicyNames, word)
                  : key == "source"   ? index_of(hv::kMapSourceNames, word)
                  : key == "ablation" ? index_of(hv::kSharingAblationNames, word)
                                      : std::nullopt;
    std::uint32_t value = 0;
    if (!choice)
      if (Error error = parse_number("--sharing: " + key, word, value)) return error;
    value = choice.value_or(value);
    if (value < field->least || value > field->most)
      return "--sharing: " + key + " is " + word + ", expected " + std::to_string(field->least) + " to " +
             std::to_string(field->most);
    field->write(sharing, value);
  }
  return std::nullopt;
}

Error apply_setting(const std::string& option, const std::string& value, BundleOptions& options) {
  BundleDescription& bundle = options.bundle;
  const std::map<std::string, std::uint32_t*> numbers{
      {"--calls-per-notification", &bundle.calls_per_notification},
      {"--queue-capacity", &bundle.queue_capacity},
      {"--drain-budget-cycles", &bundle.drain_budget_cycles},
      {"--max-deferred-entries", &bundle.max_deferred_entries},
      {"--time-slice-us", &bundle.time_slice_us},
      {"--cap-period-us", &bundle.cap_period_us}};
  if (const auto number = numbers.find(option); number != numbers.end())
    return parse_number(option, value, *number->second);
  if (option == "--sharing") return parse_sharing(value, bundle.sharing);
  if (option == "--print-statistics") return parse_switch(option, value, bundle.print_statistics);
  if (option == "--read-instructions") return parse_switch(option, value, bundle.read_instructions);
  if (option == "--drain-at-entry") return parse_switch(option, value, bundle.drain_at_entry);
  if (option == "--tick-when-alone") return parse_switch(option, value, bundle.tick_when_alone);
  if (option == "-o") return options.output = value, std::nullopt;
  if (option == "--delivery") {
    const auto delivery = hv::abi::parse_delivery(value);
    if (!delivery)
      return "--delivery is \"" + value +
             "\", expected immediate, dlh, multicall, softirq, dlh_ring, polling or free";
    return bundle.delivery = *delivery, std::nullopt;
  }
  if (option == "--scheduler") {
    const auto policy = hv::parse_scheduler(value);
    if (!policy) return "--scheduler is \"" + value + "\", expected round_robin or credit";
    return bundle.scheduler = *policy, std::nullopt;
  }
  if (option == "--vm") {
    const Error error = parse_vm(value, bundle.vms.emplace_back());
    return error ? Error{"--vm: " + *error} : std::nullopt;
  }
  return "\"" + option + "\" is not an option (try --help)";
}

}  // namespace

isa::Result<std::uint64_t, std::string> parse_size(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const unsigned shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : 0;
  if (error != std::errc{} || (shift == 0 && !unit.empty()) ||
      value > std::numeric_limits<std::uint64_t>::max() >> shift)
    return isa::Failure{"is \"" + text + "\", expected bytes as in 65536, 64K, 16M or 1G"};
  return value << shift;
}

isa::Result<BundleOptions, std::string> parse_bundle_options(const std::vector<std::string>& arguments) {
  BundleOptions options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size())
      return isa::Failure{"\"" + arguments[i] + "\" lacks its value (try --help)"};
    if (Error error = apply_setting(arguments[i], arguments[i + 1], options)) return isa::Failure{*error};
  }
  if (options.output.empty())
    return isa::Failure{std::string("no output file, expected -o FILE (try --help)")};
  return options;
}

}  // namespace hvsim::sim

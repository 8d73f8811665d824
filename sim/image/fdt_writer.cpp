// Sequential writing with libfdt into a buffer that grows.
#include "sim/image/fdt_writer.h"

#include <libfdt.h>

#include <algorithm>
#include <limits>

#include "models/mem/huge_pages.h"

namespace hvsim::sim {
namespace {

constexpr std::size_t kFirstBytes = 16 * 1024;
// libfdt keeps sizes in an int.
constexpr std::size_t kMaxBytes = std::numeric_limits<int>::max();

void append_big_endian(std::vector<std::byte>& out, std::uint64_t value, unsigned bytes) {
  for (unsigned shift = bytes * 8; shift != 0; shift -= 8)
    out.push_back(static_cast<std::byte>(value >> (shift - 8)));
}

}  // namespace

FdtWriter::FdtWriter(std::uint64_t contents) {
  tree_.reserve(kFirstBytes + std::min<std::uint64_t>(contents, kMaxBytes / 2));
  mem::will_fill(tree_.data(), tree_.capacity());
  tree_.resize(tree_.capacity());
  error_ = fdt_create(tree_.data(), static_cast<int>(tree_.size()));
  apply([](void* tree) { return fdt_finish_reservemap(tree); });
  begin("");
}

void FdtWriter::begin(const std::string& node) {
  apply([&](void* tree) { return fdt_begin_node(tree, node.c_str()); });
}

void FdtWriter::end() {
  apply([](void* tree) { return fdt_end_node(tree); });
}

void FdtWriter::flag(const std::string& name) { bytes(name, {}); }

void FdtWriter::cells(const std::string& name, std::initializer_list<std::uint32_t> values) {
  cells(name, std::span(values.begin(), values.size()));
}

void FdtWriter::cells(const std::string& name, std::span<const std::uint32_t> values) {
  std::vector<std::byte> raw;
  for (std::uint32_t value : values) append_big_endian(raw, value, 4);
  bytes(name, raw);
}

void FdtWriter::cells64(const std::string& name, std::initializer_list<std::uint64_t> values) {
  std::vector<std::byte> raw;
  for (std::uint64_t value : values) append_big_endian(raw, value, 8);
  bytes(name, raw);
}

void FdtWriter::texts(const std::string& name, std::span<const std::string> values) {
  std::string joined;
  for (const std::string& value : values) joined += value + '\0';
  bytes(name, std::as_bytes(std::span(joined)));
}

void FdtWriter::bytes(const std::string& name, std::span<const std::byte> value) {
  if (value.size() > kMaxBytes / 2) {
    if (error_ == 0) error_ = -FDT_ERR_NOSPACE;
    return;
  }
  apply([&](void* tree) {
    return fdt_property(tree, name.c_str(), value.data(), static_cast<int>(value.size()));
  });
}

isa::Result<std::vector<std::byte>, std::string> FdtWriter::finish() {
  end();
  apply([](void* tree) { return fdt_finish(tree); });
  if (error_ != 0) return isa::Failure{std::string("device tree: ") + fdt_strerror(error_)};
  tree_.resize(fdt_totalsize(tree_.data()));
  return std::move(tree_);
}

// Repeats a step that found the buffer full in one of twice the size.
void FdtWriter::apply(const std::function<int(void*)>& step) {
  while (error_ == 0) {
    error_ = step(tree_.data());
    if (error_ != -FDT_ERR_NOSPACE || tree_.size() > kMaxBytes / 2) return;
    std::vector<std::byte> larger(tree_.size() * 2);
    error_ = fdt_resize(tree_.data(), larger.data(), static_cast<int>(larger.size()));
    tree_ = std::move(larger);
  }
}

// Four turns of SplitMix64.
void write_rng_seed(FdtWriter& tree, std::uint64_t seed) {
  const auto next = [&seed] {
    std::uint64_t mixed = seed += 0x9E37'79B9'7F4A'7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58'476D'1CE4'E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D0'49BB'1331'11EB;
    return mixed ^ mixed >> 31;
  };
  const std::uint64_t a = next(), b = next(), c = next(), d = next();
  tree.cells64("rng-seed", {a, b, c, d});
}

}  // namespace hvsim::sim

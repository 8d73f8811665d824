// Device trees and bundles as the hypervisor finds them in memory.
#include <gtest/gtest.h>

#include "hypervisor/bundle.h"
#include "hypervisor/fdt_reader.h"
#include "hypervisor/platform.h"
#include "sim/image/bundle.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {
namespace {

std::size_t read_all(const hv::FdtReader& tree, hv::FdtReader::Node node) {
  std::size_t sum = tree.name(node).size();
  for (const char* name : {"compatible", "reg", "hvsim,memory", "bootargs"}) {
    if (const auto value = tree.property(node, name))
      for (const std::byte byte : *value) sum += std::to_integer<std::size_t>(byte);
    sum += tree.u32(node, name).value_or(0) + tree.number(node, name).value_or(0);
    sum += tree.text(node, name).value_or("").size();
  }
  sum += tree.is_compatible(node, "hvsim,vm") ? 1 : 0;
  for (auto child = tree.first_child(node); child; child = tree.next_sibling(*child))
    sum += read_all(tree, *child);
  return sum;
}

}  // namespace

void device_tree(std::span<const std::uint8_t> bytes) {
  const Bytes exact(bytes.begin(), bytes.end());
  const auto blob = std::as_bytes(std::span(exact));
  if (const auto tree = hv::FdtReader::open(blob)) {
    for (unsigned i = 0; i < 4; ++i) (void)tree->reservation(i);
    (void)read_all(*tree, tree->root());
  }
  hv::Text why;
  if (const auto bundle = hv::Bundle::open(blob, why)) {
    for (unsigned i = 0; i < bundle->vm_count(); ++i) EXPECT_FALSE(bundle->vm(i).name.empty());
  } else {
    EXPECT_FALSE(why.empty());
  }
}

std::vector<Bytes> device_tree_seeds() {
  sim::BundleDescription two;
  two.vms.push_back({.name = "a", .image = std::vector<std::byte>(16)});
  two.vms.push_back(
      {.name = "b", .vcpus = 2, .harts = {0}, .arguments = "x=1", .image = std::vector<std::byte>(8)});
  const auto bundle = sim::make_bundle(two);
  const auto* from = reinterpret_cast<const std::uint8_t*>(bundle->data());
  return {Bytes(from, from + bundle->size())};
}

}  // namespace hvsim::fuzz

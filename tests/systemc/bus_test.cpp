// A foreign TLM-2.0 initiator finds RAM and devices where the memory map says.
#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>

#include "models/mem/physical_memory.h"
#include "sim/bus_module.h"
#include "sim/device_module.h"
#include "sim/memory_module.h"
#include "sim/transport_module.h"
#include "tests/systemc/main.h"

namespace hvsim::sim {
namespace {

struct Recorder final : device::RegisterWindow {
  bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) override {
    last_offset = offset;
    value = 0x1122'3344'5566'7788;
    return bytes == 4;
  }
  bool write(std::uint64_t offset, unsigned, std::uint64_t value) override {
    last_offset = offset;
    last_value = value;
    return true;
  }
  std::uint64_t last_offset = 0, last_value = 0;
};

struct Initiator final : sc_core::sc_module {
  tlm_utils::simple_initiator_socket<Initiator> socket{"socket"};
  explicit Initiator(sc_core::sc_module_name name) : sc_module(name) {}

  bool read(std::uint64_t address, unsigned bytes, std::uint64_t& value) {
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    return transport(socket, tlm::TLM_READ_COMMAND, address, bytes, value, delay);
  }
  bool write(std::uint64_t address, unsigned bytes, std::uint64_t value) {
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    return transport(socket, tlm::TLM_WRITE_COMMAND, address, bytes, value, delay);
  }
};

constexpr std::uint64_t kRam = 0x8000'0000, kDevice = 0x1000'0000;

TEST(Bus, ServesAForeignInitiatorByTheMemoryMap) {
  auto memory = std::move(mem::PhysicalMemory::create(isa::Hpa{kRam}, 1 << 20).value());
  Recorder device;
  MemoryModule ram("ram", memory);
  DeviceModule window("window", device);
  BusModule bus("bus");
  bus.attach(isa::Hpa{kRam}, memory.ram_bytes(), ram.socket);
  bus.attach(isa::Hpa{kDevice}, 0x100, window.socket);
  Initiator initiator("initiator");
  initiator.socket.bind(bus.from);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);

  std::uint64_t value = 0;
  EXPECT_TRUE(initiator.write(kRam + 8, 8, 0xABCD));
  EXPECT_TRUE(memory.read(isa::Hpa{kRam + 8}, value));
  EXPECT_EQ(value, 0xABCDu);
  EXPECT_TRUE(initiator.read(kRam + 9, 1, value));
  EXPECT_EQ(value, 0xABu);
  EXPECT_FALSE(initiator.read(kRam + (1 << 20) - 4, 8, value)) << "half of it is past the end of RAM";
  EXPECT_FALSE(initiator.read(0x4000'0000, 4, value)) << "nothing is there";

  EXPECT_TRUE(initiator.read(kDevice + 0x20, 4, value));
  EXPECT_EQ(device.last_offset, 0x20u) << "devices see offsets";
  EXPECT_EQ(value, 0x5566'7788u);
  EXPECT_FALSE(initiator.read(kDevice + 0x20, 8, value)) << "the device has no such width";
  EXPECT_FALSE(initiator.read(kDevice + 0x21, 4, value)) << "misaligned";
  EXPECT_TRUE(initiator.write(kDevice + 4, 2, 0x1234));
  EXPECT_EQ(device.last_value, 0x1234u);

  tlm::tlm_generic_payload payload;
  payload.set_command(tlm::TLM_READ_COMMAND);
  payload.set_address(kRam + 0x1000);
  payload.set_data_length(8);
  tlm::tlm_dmi dmi;
  EXPECT_TRUE(initiator.socket->get_direct_mem_ptr(payload, dmi));
  EXPECT_EQ(dmi.get_dmi_ptr(), memory.host(isa::Hpa{kRam}, 1));
  EXPECT_EQ(dmi.get_start_address(), kRam);
  EXPECT_EQ(dmi.get_end_address(), kRam + (1 << 20) - 1);
  EXPECT_EQ(payload.get_address(), kRam + 0x1000) << "the bus gives the address back as it was";

  payload.set_address(kDevice);
  EXPECT_FALSE(initiator.socket->get_direct_mem_ptr(payload, dmi)) << "devices grant no direct access";
}

}  // namespace
}  // namespace hvsim::sim

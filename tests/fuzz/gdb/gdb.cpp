// A peer that is no GDB: any bytes, and any packets, in any order.
#include <gtest/gtest.h>

#include <memory>

#include "sim/gdb/hart_target.h"
#include "sim/gdb/packet.h"
#include "sim/gdb/server.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {
namespace {

constexpr char kRaw = 'r';  // an input that starts so is a stream; others are packets, one in each line

class Peer {
 public:
  explicit Peer(sim::Machine& machine)
      : harts_(machine.harts()),
        target_(machine, {"linux"}),
        server_(target_, [](const std::string& text) { EXPECT_FALSE(text.empty()); }) {}

  void send(std::string_view bytes) {
    reader_.feed(bytes);
    while (const auto event = reader_.next())
      if (event->kind == gdb::Event::Kind::packet) check(server_.handle(event->text));
    target_.arm_points();
  }

 private:
  void check(const gdb::Server::Answer& answer) {
    if (answer.reply) {
      EXPECT_LE(gdb::frame(*answer.reply).size(), 3 * gdb::kMaxPacketBytes);
    }
    if (answer.verdict && answer.verdict->kind == gdb::Verdict::Kind::resume) {
      EXPECT_EQ(answer.verdict->threads.size(), harts_);
    }
  }

  unsigned harts_;
  gdb::HartTarget target_;
  gdb::Server server_;
  gdb::PacketReader reader_;
};

}  // namespace

void gdb(std::span<const std::uint8_t> bytes) {
  sim::MachineConfig config;
  config.harts = 2;
  config.memory_bytes = 4 << 20;
  const auto machine = std::move(sim::Machine::build(config, 1, false, [](std::uint8_t) {}).value());
  Peer peer(*machine);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(kRaw)) return peer.send(text.substr(1));
  for (unsigned packets = 0; !text.empty() && packets < 64; ++packets)
    peer.send(gdb::frame(gdb::cut(text, '\n')));
}

std::vector<Bytes> gdb_seeds() {
  std::vector<Bytes> seeds;
  const auto add = [&](std::string_view text) { seeds.emplace_back(text.begin(), text.end()); };
  add("qSupported:swbreak+\nqfThreadInfo\nqThreadExtraInfo,2\nHg2\ng\np20\n?\nvCont;s:1;c");
  add("P1021=0100000000000000\nP1c1=0001080000000080\nm80000000,10\nM80000000,2:1300\nX80000000,1:a");
  add("qXfer:features:read:target.xml:0,7ff0\nZ0,80000000,4\nZ4,80000010,8\nz4,80000010,8\nvCont;c:-1");
  for (const char* command : {"phys 0x80000000 32", "translate 0x40000000", "space guest", "harts"})
    add("qRcmd," + gdb::hex_bytes(command) + "\nm0,4000\nD");
  add(kRaw + gdb::frame("g") + "\x03+" + gdb::frame("m80000000,4"));
  return seeds;
}

}  // namespace hvsim::fuzz

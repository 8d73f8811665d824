// Framing as the GDB manual has it, and bytes that nobody would send.
#include "sim/gdb/packet.h"

#include <gtest/gtest.h>

#include <random>

namespace hvsim::gdb {
namespace {

TEST(Packet, IsFramedAsTheManualSays) {
  EXPECT_EQ(frame("OK"), "$OK#9a");
  EXPECT_EQ(frame(""), "$#00");
  EXPECT_EQ(frame("a#b"),
            "$a}\x03"
            "b#43");
}

TEST(Packet, IsReadThoughItComesInPieces) {
  PacketReader reader;
  for (const char byte : std::string("+$g#6")) reader.feed({&byte, 1});
  EXPECT_EQ(reader.next()->kind, Event::Kind::ack);
  EXPECT_FALSE(reader.next());
  reader.feed("7\x03");
  const auto packet = reader.next();
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->kind, Event::Kind::packet);
  EXPECT_EQ(packet->text, "g");
  EXPECT_EQ(reader.next()->kind, Event::Kind::interrupt);
}

TEST(Packet, AWrongChecksumIsABadPacket) {
  PacketReader reader;
  reader.feed("$g#00$g#zz$g#67");
  EXPECT_EQ(reader.next()->kind, Event::Kind::bad_packet);
  EXPECT_EQ(reader.next()->kind, Event::Kind::bad_packet);
  EXPECT_EQ(reader.next()->kind, Event::Kind::packet);
}

TEST(Packet, OneThatIsTooLongIsDroppedAndTheNextIsRead) {
  PacketReader reader;
  reader.feed("$" + std::string(10 * kMaxPacketBytes, 'a') + "#00");
  reader.feed("$g#67");
  EXPECT_EQ(reader.next()->kind, Event::Kind::bad_packet);
  EXPECT_EQ(reader.next()->text, "g");
}

TEST(Packet, WhateverIsFramedIsReadBack) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string text;
    for (auto n = random() % 100; n > 0; --n) text += static_cast<char>(random());
    PacketReader reader;
    reader.feed(frame(text));
    const auto packet = reader.next();
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->kind, Event::Kind::packet);
    EXPECT_EQ(packet->text, text);
  }
}

TEST(Packet, NumbersAreHexadecimalAndWhole) {
  EXPECT_EQ(parse_hex("10"), 16u);
  EXPECT_EQ(parse_hex("ffffffffffffffff"), ~std::uint64_t{0});
  EXPECT_FALSE(parse_hex("10000000000000000"));
  EXPECT_FALSE(parse_hex(""));
  EXPECT_FALSE(parse_hex("-1"));
  EXPECT_FALSE(parse_hex("1g"));
  EXPECT_EQ(hex_register(0x1234), "3412000000000000");
  EXPECT_EQ(parse_hex_register("3412"), 0x1234u);
}

}  // namespace
}  // namespace hvsim::gdb

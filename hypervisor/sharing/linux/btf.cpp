// The type information that a Linux kernel carries in its own memory.
#include "hypervisor/sharing/linux/btf.h"

#include <algorithm>

namespace hv {
namespace {

enum Kind : unsigned {
  kInt = 1,
  kArray = 3,
  kStruct = 4,
  kUnion = 5,
  kEnum = 6,
  kTypedef = 8,
  kConst = 10,
  kFuncProto = 13,
  kVar = 14,
  kDatasec = 15,
  kDeclTag = 17,
  kEnum64 = 19,
  kKinds = 20
};

}  // namespace

bool Btf::open(GuestWindow& memory, std::uint64_t at) {
  if (memory.value<std::uint64_t>(at) != kHeader) return false;
  const std::uint64_t body = at + 24;
  types_ = next_ = body + memory.value<std::uint32_t>(at + 8);
  types_end_ = types_ + memory.value<std::uint32_t>(at + 12);
  strings_ = body + memory.value<std::uint32_t>(at + 16);
  strings_end_ = strings_ + memory.value<std::uint32_t>(at + 20);
  next_id_ = 1;
  found_ = {};
  constexpr std::uint64_t most = 64u << 20;
  return types_end_ - types_ >= (1u << 16) && types_end_ - types_ < most && strings_ >= types_end_ &&
         strings_end_ - strings_ < most && memory.byte(strings_) == 0;
}

Btf::Type Btf::read(GuestWindow& memory, std::uint64_t at) const {
  return {at, memory.value<std::uint32_t>(at), memory.value<std::uint32_t>(at + 4),
          memory.value<std::uint32_t>(at + 8)};
}

std::uint64_t Btf::behind(const Type& type) const {
  const std::uint64_t count = type.count();
  switch (type.kind()) {
    case kInt:
    case kVar:
    case kDeclTag:
      return type.at + 12 + 4;
    case kArray:
      return type.at + 12 + 12;
    case kStruct:
    case kUnion:
    case kDatasec:
    case kEnum64:
      return type.at + 12 + 12 * count;
    case kEnum:
    case kFuncProto:
      return type.at + 12 + 8 * count;
    default:
      return type.at + 12;
  }
}

bool Btf::name_is(GuestWindow& memory, std::uint32_t offset, std::string_view name) const {
  if (offset >= strings_end_ - strings_) return false;
  std::uint64_t at = strings_ + offset;
  for (const char c : name)
    if (memory.byte(at++) != static_cast<std::uint8_t>(c)) return false;
  return memory.byte(at) == 0;
}

bool Btf::step(GuestWindow& memory, std::uint64_t types) {
  for (; types != 0 && next_ < types_end_ && next_id_ < kMaxTypes; --types, ++next_id_) {
    if (next_id_ % kIndexStep == 0)
      index_[next_id_ / kIndexStep] = static_cast<std::uint32_t>(next_ - types_);
    const Type type = read(memory, next_);
    if (type.kind() >= kKinds || type.kind() == 0) {  // no type has this kind: the list is not what it seems
      next_ = types_end_;
      return true;
    }
    next_ = behind(type);
    if (type.kind() != kStruct) continue;
    for (unsigned i = 0; i < wanted_count; ++i)
      if (found_[i] == 0 && name_is(memory, type.name, kNames[i])) found_[i] = next_id_;
  }
  return next_ >= types_end_ || next_id_ >= kMaxTypes;
}

bool Btf::complete() const {
  for (const std::uint32_t id : found_)
    if (id == 0) return false;
  return true;
}

Btf::Type Btf::find(GuestWindow& memory, std::uint32_t id) const {
  if (id == 0 || id >= next_id_) return {};
  std::uint64_t at = types_ + index_[id / kIndexStep];
  for (std::uint32_t n = id / kIndexStep == 0 ? 1 : id & ~(kIndexStep - 1); n < id; ++n) {
    at = behind(read(memory, at));
    if (at >= types_end_) return {};
  }
  return read(memory, at);
}

std::uint64_t Btf::bytes_of(GuestWindow& memory, Wanted what) { return find(memory, found_[what]).size; }

void Btf::enter(const Type& type, std::uint64_t offset) {
  const bool has_members = type.kind() == kStruct || type.kind() == kUnion;
  if (has_members && depth_ != kDeepest) levels_[depth_++] = {type, offset, 0};
}

void Btf::begin_search(GuestWindow& memory, Wanted what) {
  depth_ = 0;
  records_left_ = kMostRecords;
  enter(find(memory, found_[what]), 0);
}

Btf::Search Btf::search(GuestWindow& memory, std::string_view name, std::uint64_t records) {
  const std::uint64_t stop = records_left_ - std::min(records_left_, records);
  while (depth_ != 0) {
    if (records_left_ <= stop) return records_left_ == 0 ? Search::too_long : Search::more;
    Level& level = levels_[depth_ - 1];
    if (level.next == level.type.count()) {
      --depth_;
      continue;
    }
    --records_left_;
    const std::uint64_t at = level.type.at + 12 + 12 * std::uint64_t{level.next++};
    const std::uint32_t name_at = memory.value<std::uint32_t>(at), id = memory.value<std::uint32_t>(at + 4);
    std::uint64_t bits = memory.value<std::uint32_t>(at + 8);
    if (level.type.info >> 31 != 0) bits &= 0xFFFFFF;  // bit fields have their width above
    const std::uint64_t offset = level.offset + bits / 8;
    if (name_is(memory, name_at, name)) {
      member_ = {offset, id};
      return Search::found;
    }
    if (!name_is(memory, name_at, "")) continue;
    records_left_ -= std::min<std::uint64_t>(records_left_, id % kIndexStep);  // that find() walks over
    enter(find(memory, id), offset);
  }
  return Search::missing;
}

std::uint64_t Btf::elements(GuestWindow& memory, std::uint32_t id) {
  const Type type = find(memory, id);
  return type.kind() == kArray ? memory.value<std::uint32_t>(type.at + 20) : 0;
}

}  // namespace hv

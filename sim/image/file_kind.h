// What a file is that is not what it should be, for messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace hvsim::sim {

// "is compressed by gzip (unpack it first)", or what it begins with if nobody knows it.
std::string kind_of_file(std::span<const std::byte> file);

}  // namespace hvsim::sim

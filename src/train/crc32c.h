#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace attend::train {

/// CRC-32C (Castagnoli polynomial, as in RFC 3720) of the bytes. Pass the previous result to go on with later
/// bytes.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0);

}  // namespace attend::train

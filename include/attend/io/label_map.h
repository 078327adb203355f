#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "attend/io/image.h"

/// Pictures whose pixels are numbers, such as classes: PNG files in grey, or with a palette.
namespace attend::io {

/// The numbers in a PNG file, one channel: of grey the values, of a palette the numbers of its colours, from
/// 0, as the file holds them with 1 to 8 bits. Of the options `max_pixels` and `max_bytes` count.
///
/// Throws Error naming the file when it cannot be read, is cut short, corrupt or no such PNG file, or has
/// more pixels than the options allow.
Image read_label_map(const std::filesystem::path& path, const ReadImageOptions& options = {});

/// The same for the content of a file; `name` is what messages call it.
Image decode_label_map(std::span<const std::byte> bytes, std::string_view name,
                       const ReadImageOptions& options = {});

/// A PNG file with a palette, which read_label_map() reads. Throws Error if `check(map)` does, unless it has
/// one channel, and for a number that has none of at most 256 colours.
std::vector<std::byte> encode_label_map(const Image& map,
                                        std::span<const std::array<std::uint8_t, 3>> colors);

/// 256 colours that are easy to tell apart, black first: those of the masks of PASCAL VOC (Everingham et al.,
/// "The PASCAL Visual Object Classes Challenge", 2010). From its lowest bits up, a number gives in turn a bit
/// of red, green and blue, from their highest bits down.
const std::array<std::array<std::uint8_t, 3>, 256>& label_colors();

}  // namespace attend::io

#include "attend/io/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <optional>

#include "attend/base/error.h"
#include "io/gzip.h"

namespace attend::io {
namespace {

constexpr std::size_t kMagicBytes = 4, kSizeBytes = 4;
constexpr unsigned kUnsignedByte = 0x08;
constexpr std::int64_t kLargestSize = std::numeric_limits<std::uint32_t>::max();

/// What the sizes multiply to; none beyond 2^63.
std::optional<std::int64_t> product(const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t size : shape)
    if (__builtin_mul_overflow(elements, size, &elements)) return std::nullopt;
  return elements;
}

[[noreturn]] void fail(std::string_view name, const std::string& what) {
  throw Error(fmt::format("cannot read {}: {}", name, what));
}

}  // namespace

IdxArray parse_idx(std::span<const std::byte> bytes, std::string_view name) {
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  if (bytes.size() < kMagicBytes || byte(0) != 0 || byte(1) != 0 || byte(3) == 0)
    fail(name, "it is no IDX file: expected two zeros, the type of the elements and the number of sizes");
  if (byte(2) != kUnsignedByte) {
    fail(name, fmt::format("an IDX file with elements of type 0x{:02x}; expected 0x{:02x}, unsigned bytes",
                           byte(2), kUnsignedByte));
  }
  const std::size_t rank = byte(3), header = kMagicBytes + kSizeBytes * rank;
  if (bytes.size() < header)
    fail(name,
         fmt::format("it is cut short: {} bytes, and its {} sizes need {}", bytes.size(), rank, header));
  IdxArray array;
  for (std::size_t i = kMagicBytes; i < header; i += kSizeBytes)
    array.shape.push_back(std::int64_t{byte(i)} << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3));
  const std::optional<std::int64_t> elements = product(array.shape);
  if (!elements)
    fail(name, fmt::format("the sizes {} multiply to more than 2^63", fmt::join(array.shape, " x ")));
  const auto found = static_cast<std::int64_t>(bytes.size() - header);
  if (found != *elements) {
    fail(name, fmt::format("{}: {} bytes behind the header, and the sizes {} need {}",
                           found < *elements ? "it is cut short" : "it goes on behind its end", found,
                           fmt::join(array.shape, " x "), *elements));
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data() + header);
  array.values.assign(data, data + found);
  return array;
}

IdxArray read_idx(const std::filesystem::path& path, const ReadIdxOptions& options) {
  const std::string content = read_gzip_file(path, options.max_bytes);
  return parse_idx(std::as_bytes(std::span(content)), path.string());
}

std::vector<std::byte> encode_idx(const IdxArray& array) {
  bool fits = !array.shape.empty() && array.shape.size() <= 255;
  for (const std::int64_t size : array.shape) fits = fits && size >= 0 && size <= kLargestSize;
  if (!fits || product(array.shape) != static_cast<std::int64_t>(array.values.size())) {
    throw Error(
        fmt::format("an IDX file of sizes [{}] and {} values; expected 1 to 255 sizes from 0 to {}, and "
                    "as many values as they multiply to",
                    fmt::join(array.shape, ", "), array.values.size(), kLargestSize));
  }
  std::vector<std::byte> bytes = {std::byte{0}, std::byte{0}, std::byte{kUnsignedByte},
                                  static_cast<std::byte>(array.shape.size())};
  for (const std::int64_t size : array.shape)
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<std::byte>(size >> shift & 0xff));
  const auto values = std::as_bytes(std::span(array.values));
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

}  // namespace attend::io

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace attend::io {

/// An array of bytes as IDX files hold it, the format of MNIST and its family (LeCun, Cortes and Burges,
/// "The MNIST database of handwritten digits"): `values` is row-major and has as many elements as the sizes
/// of `shape` multiply to.
struct IdxArray {
  std::vector<std::int64_t> shape = {};
  std::vector<std::uint8_t> values = {};

  bool operator==(const IdxArray&) const = default;
};

struct ReadIdxOptions {
  /// A longer file (unpacked, if gzip packed it) is an error.
  std::size_t max_bytes = std::size_t{1} << 30;
};

/// An IDX file of unsigned bytes, packed by gzip or not. Throws Error naming the file when it cannot be read,
/// is cut short, goes on behind its last value, is no IDX file, or has elements of another type.
IdxArray read_idx(const std::filesystem::path& path, const ReadIdxOptions& options = {});

/// The same for the content of a file that is not packed; `name` is what messages call it.
IdxArray parse_idx(std::span<const std::byte> bytes, std::string_view name);

/// The content of such a file. Throws Error unless there are 1 to 255 sizes under 2^32, and as many values as
/// they multiply to.
std::vector<std::byte> encode_idx(const IdxArray& array);

}  // namespace attend::io

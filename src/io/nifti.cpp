#include "attend/io/nifti.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "attend/base/error.h"
#include "io/gzip.h"

namespace attend::io {
namespace {

// Places of the header, in bytes.
constexpr std::size_t kHeaderBytes = 348, kSizes = 40, kType = 70, kSpacing = 76, kDataOffset = 108,
                      kSlope = 112, kIntercept = 116, kMagic = 344;
constexpr std::int64_t kMostAxes = 7;

[[noreturn]] void fail_volume(std::string_view name, const std::string& what) {
  throw Error(fmt::format("cannot read {}: {}", name, what));
}

/// Numbers anywhere in a file, of its byte order.
class Numbers {
 public:
  Numbers(std::span<const std::byte> bytes, bool swapped) : bytes_(bytes), swapped_(swapped) {}

  /// The place must have been checked.
  template <class T>
  T at(std::size_t place) const {
    std::array<std::byte, sizeof(T)> raw;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(place), sizeof(T), raw.begin());
    if (swapped_) std::ranges::reverse(raw);
    return std::bit_cast<T>(raw);
  }

 private:
  std::span<const std::byte> bytes_;
  bool swapped_;
};

template <class T>
void read_values(const Numbers& numbers, std::size_t first, double slope, double intercept,
                 std::vector<float>& values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] =
        static_cast<float>(slope * static_cast<double>(numbers.at<T>(first + i * sizeof(T))) + intercept);
}

struct ElementType {
  int code;
  std::size_t bytes;
  void (*read)(const Numbers& numbers, std::size_t first, double slope, double intercept,
               std::vector<float>& values);
};
constexpr std::array<ElementType, 6> kTypes = {{{2, 1, read_values<std::uint8_t>},
                                                {4, 2, read_values<std::int16_t>},
                                                {8, 4, read_values<std::int32_t>},
                                                {16, 4, read_values<float>},
                                                {64, 8, read_values<double>},
                                                {512, 2, read_values<std::uint16_t>}}};

Numbers numbers_of(std::span<const std::byte> bytes, std::string_view name) {
  const auto is_nifti = [&] { return std::memcmp(bytes.data() + kMagic, "n+1", 4) == 0; };
  if (bytes.size() < kHeaderBytes || !is_nifti())
    fail_volume(name,
                "it is no NIfTI-1 file in one piece: expected a header of 348 bytes with \"n+1\" at its end");
  // The first number is the length of the header, which tells the byte order.
  for (const bool swapped : {false, true}) {
    const Numbers numbers(bytes, swapped);
    if (numbers.at<std::int32_t>(0) == static_cast<std::int32_t>(kHeaderBytes)) return numbers;
  }
  fail_volume(name, "it is no NIfTI-1 file: its first number is not 348 in either byte order");
}

std::int64_t voxels_of(const std::vector<std::int64_t>& shape, std::string_view name,
                       const ReadNiftiOptions& options) {
  std::int64_t voxels = 1;
  for (const std::int64_t size : shape) {
    if (size < 1) fail_volume(name, fmt::format("sizes {}; expected positive ones", fmt::join(shape, " x ")));
    if (__builtin_mul_overflow(voxels, size, &voxels) || voxels > options.max_voxels)
      fail_volume(
          name, fmt::format("sizes {} are more than {} voxels", fmt::join(shape, " x "), options.max_voxels));
  }
  return voxels;
}

/// Where the voxels begin.
std::size_t offset_of(const Numbers& numbers, std::string_view name, std::size_t file_bytes) {
  const float offset = numbers.at<float>(kDataOffset);
  if (!(offset >= static_cast<float>(kHeaderBytes)) || !(offset <= static_cast<float>(file_bytes)) ||
      offset != std::floor(offset))
    fail_volume(name, fmt::format("its voxels begin at byte {}; expected a whole number from {} to {}",
                                  offset, kHeaderBytes, file_bytes));
  return static_cast<std::size_t>(offset);
}

}  // namespace

NiftiVolume parse_nifti(std::span<const std::byte> bytes, std::string_view name,
                        const ReadNiftiOptions& options) {
  const Numbers numbers = numbers_of(bytes, name);
  const std::int64_t axes = numbers.at<std::int16_t>(kSizes);
  if (axes < 1 || axes > kMostAxes)
    fail_volume(name, fmt::format("{} axes; expected 1 to {}", axes, kMostAxes));
  NiftiVolume volume;
  for (std::int64_t axis = 1; axis <= axes; ++axis) {
    const auto place = static_cast<std::size_t>(axis);
    volume.shape.push_back(numbers.at<std::int16_t>(kSizes + place * sizeof(std::int16_t)));
    volume.spacing.push_back(numbers.at<float>(kSpacing + place * sizeof(float)));
  }
  const std::int64_t voxels = voxels_of(volume.shape, name, options);
  const int code = numbers.at<std::int16_t>(kType);
  const auto* const type = std::ranges::find(kTypes, code, &ElementType::code);
  if (type == kTypes.end())
    fail_volume(name,
                fmt::format("elements of type {}; expected 2 (u8), 4 (i16), 8 (i32), 16 (f32), 64 (f64) or "
                            "512 (u16)",
                            code));
  const std::size_t first = offset_of(numbers, name, bytes.size());
  // At most 2^63 / 8 voxels were let through only if the options say so; divide rather than multiply.
  const std::size_t found = (bytes.size() - first) / type->bytes;
  if (found < static_cast<std::size_t>(voxels))
    fail_volume(name, fmt::format("it is cut short: {} voxels, and the sizes {} need {}", found,
                                  fmt::join(volume.shape, " x "), voxels));
  double slope = numbers.at<float>(kSlope), intercept = numbers.at<float>(kIntercept);
  if (!std::isfinite(slope) || !std::isfinite(intercept))
    fail_volume(name, fmt::format("slope {} and intercept {}; expected finite numbers", slope, intercept));
  if (slope == 0) {
    slope = 1;
    intercept = 0;
  }
  volume.values.resize(static_cast<std::size_t>(voxels));
  type->read(numbers, first, slope, intercept, volume.values);
  return volume;
}

NiftiVolume read_nifti(const std::filesystem::path& path, const ReadNiftiOptions& options) {
  const std::string content = read_gzip_file(path, options.max_bytes);
  return parse_nifti(std::as_bytes(std::span(content)), path.string(), options);
}

NiftiSlice slice_of(const NiftiVolume& volume, int axis, std::int64_t place) {
  const auto& shape = volume.shape;
  bool is_volume = shape.size() >= 3;
  for (std::size_t i = 3; i < shape.size(); ++i) is_volume = is_volume && shape[i] == 1;
  if (!is_volume || shape[0] * shape[1] * shape[2] != static_cast<std::int64_t>(volume.values.size()))
    throw Error(fmt::format("a slice of a volume of sizes [{}] with {} values: three axes needed",
                            fmt::join(shape, ", "), volume.values.size()));
  if (axis < 0 || axis > 2 || place < 0 || place >= shape[static_cast<std::size_t>(axis)])
    throw Error(fmt::format("slice {} along axis {} of a volume of sizes [{}]: there is none", place, axis,
                            fmt::join(shape, ", ")));
  const std::array<std::int64_t, 3> steps = {1, shape[0], shape[0] * shape[1]};
  const std::size_t right = axis == 0 ? 1 : 0, up = axis == 2 ? 1 : 2;
  NiftiSlice slice{.height = shape[up], .width = shape[right]};
  slice.values.reserve(static_cast<std::size_t>(slice.height * slice.width));
  for (std::int64_t row = slice.height; row-- > 0;)
    for (std::int64_t column = 0; column < slice.width; ++column)
      slice.values.push_back(volume.values[static_cast<std::size_t>(
          place * steps[static_cast<std::size_t>(axis)] + row * steps[up] + column * steps[right])]);
  return slice;
}

}  // namespace attend::io

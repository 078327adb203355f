#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace attend::io {

/// An array of numbers in space as NIfTI-1 files hold it (Cox et al., "A (sort of) new image data format
/// standard: NIfTI-1", 2004): the first axis is the fastest in `values`.
struct NiftiVolume {
  std::vector<std::int64_t> shape = {};  ///< 1 to 7 sizes
  std::vector<float> spacing = {};       ///< between voxels along each axis, in the file's unit (mostly mm)
  std::vector<float> values = {};        ///< as scaled by the file: slope * stored + intercept

  bool operator==(const NiftiVolume&) const = default;
};

struct ReadNiftiOptions {
  /// A longer file (unpacked, if gzip packed it) is an error.
  std::size_t max_bytes = std::size_t{1} << 30;
  /// More voxels are an error, before memory is taken for them.
  std::int64_t max_voxels = std::int64_t{1} << 28;
};

/// A file in one piece (*.nii), packed by gzip or not (*.nii.gz), in either byte order, with elements of type
/// u8, i16, i32, u16, f32 or f64. A slope of 0 means that nothing is scaled. What is not finite in the file
/// stays so.
///
/// Throws Error naming the file when it cannot be read, is no such file (pairs of *.hdr and *.img are not
/// read), is cut short, has sizes that are not positive or too many, or another type of elements.
NiftiVolume read_nifti(const std::filesystem::path& path, const ReadNiftiOptions& options = {});

/// The same for the content of a file that is not packed; `name` is what messages call it.
NiftiVolume parse_nifti(std::span<const std::byte> bytes, std::string_view name,
                        const ReadNiftiOptions& options = {});

/// Numbers [height, width], row-major.
struct NiftiSlice {
  std::int64_t height = 0, width = 0;
  std::vector<float> values = {};

  bool operator==(const NiftiSlice&) const = default;
};

/// The voxels at a place of an axis, 0 to 2: of the two axes that are left, the first goes to the right and
/// the second upwards. Throws Error unless the volume has three axes (further ones of size 1 do not count)
/// and as many values as they multiply to, and there is such a place.
NiftiSlice slice_of(const NiftiVolume& volume, int axis, std::int64_t place);

}  // namespace attend::io

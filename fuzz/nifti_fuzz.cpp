#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "attend/base/error.h"
#include "attend/io/nifti.h"

namespace {

using namespace attend::io;

constexpr std::int64_t kMostVoxels = 1 << 14;

void require(bool holds) {
  if (!holds) std::abort();
}

/// What `read` throws is an Error of one line.
template <class Read>
void try_to(const Read& read) {
  try {
    read();
  } catch (const attend::Error& error) {
    const std::string_view message = error.what();
    require(!message.empty() && message.find('\n') == message.npos);
  }
}

}  // namespace

/// Any bytes give either a volume whose every promise holds, or an Error of one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try_to([&] {
    const NiftiVolume volume = parse_nifti(bytes, "file", {.max_voxels = kMostVoxels});
    std::int64_t voxels = 1;
    for (const std::int64_t side : volume.shape) voxels *= side;
    require(voxels > 0 && voxels <= kMostVoxels);
    require(static_cast<std::int64_t>(volume.values.size()) == voxels);
    require(volume.spacing.size() == volume.shape.size());
    for (int axis = 0; axis < 3; ++axis) {
      const NiftiSlice slice = slice_of(volume, axis, volume.shape[0] - 1);
      require(static_cast<std::int64_t>(slice.values.size()) == slice.height * slice.width);
    }
  });
  return 0;
}

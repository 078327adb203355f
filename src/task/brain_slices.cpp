#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "attend/base/error.h"
#include "attend/io/image.h"
#include "attend/io/label_map.h"
#include "attend/io/nifti.h"
#include "task/dataset_content.h"
#include "task/package_files.h"

// Slices of a head that a Debian package holds, and where its brain is.
namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr int kAxis = 2;                      // from the neck to the crown
constexpr std::int64_t kSlab = 20;            // slices
constexpr std::int64_t kGap = 4;              // of them that are left out at the end of each slab
constexpr std::string_view kParts = "tvtxt";  // train, valid, test, again and again

/// The part of a slice; none in a gap. Slices that touch are nearly the same picture, so parts are slabs with
/// gaps between them.
std::optional<std::size_t> part_of(std::int64_t place) {
  if (place % kSlab >= kSlab - kGap) return std::nullopt;
  const char part = kParts[static_cast<std::size_t>(place / kSlab) % kParts.size()];
  return part == 't' ? 0 : part == 'v' ? 1 : 2;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The values from 0 to the largest of the volume as grey.
io::Image picture_of(const io::NiftiSlice& slice, float largest) {
  io::Image image{.height = slice.height, .width = slice.width, .channels = 1};
  for (const float value : slice.values)
    image.pixels.push_back(
        static_cast<std::uint8_t>(std::lround(255 * std::clamp(value / largest, 0.0F, 1.0F))));
  return image;
}

io::Image mask_of(const io::NiftiSlice& slice) {
  io::Image mask{.height = slice.height, .width = slice.width, .channels = 1};
  for (const float value : slice.values) mask.pixels.push_back(value > 0 ? 1 : 0);
  return mask;
}

}  // namespace

DatasetContent brain_slices(Apt& apt, const DatasetJob& /*job*/) {
  const std::string package = "mricron-data";
  const fs::path files = apt.unpacked(package);
  const auto volume_in = [&](const std::string& name) {
    return io::read_nifti(package_file(files, package, "usr/share/mricron/templates/" + name));
  };
  const io::NiftiVolume head = volume_in("ch2.nii.gz"), brain = volume_in("ch2bet.nii.gz");
  const float largest = *std::ranges::max_element(head.values);
  if (head.shape != brain.shape || head.shape.size() < 3 || !(largest > 0))
    throw Error(fmt::format("the package {}: ch2.nii.gz and ch2bet.nii.gz do not fit each other", package));
  DatasetContent content{
      .unit = "slices",
      .origin = fmt::format(
          "The magnetic resonance image ch2.nii.gz of one head (27 scans, averaged: Holmes et al., 1998), "
          "and ch2bet.nii.gz, the same without what is not brain, of the Debian package {}, cut across the "
          "body axis. A pixel is brain where the second is above 0.",
          package),
      .split = fmt::format("Slabs of {} slices from the neck up are for learning, choosing and measuring in "
                           "turn ({}), with {} slices left out between two. All are of one head: other "
                           "heads are not measured.",
                           kSlab - kGap, "train, valid, train, test, train", kGap)};
  for (std::int64_t place = 0; place < head.shape[kAxis]; ++place) {
    const std::optional<std::size_t> part = part_of(place);
    if (!part) continue;
    const std::string name = fmt::format("{:03}.png", place), under = kSplitNames[*part];
    content.files.push_back(
        {.name = under + "/images/" + name,
         .content = text_of(io::encode_png(picture_of(io::slice_of(head, kAxis, place), largest))),
         .records = 1});
    content.files.push_back({.name = under + "/masks/" + name,
                             .content = text_of(io::encode_label_map(
                                 mask_of(io::slice_of(brain, kAxis, place)), io::label_colors())),
                             .records = 1});
  }
  for (const char* part : kSplitNames)
    content.files.push_back({.name = std::string(part) + "/classes.txt", .content = "outside\nbrain\n"});
  take_terms(content, apt, package, files);
  return content;
}

}  // namespace attend::task

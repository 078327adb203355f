#include "task/segment/data.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "io/printable.h"
#include "task/picture_changes.h"
#include "task/picture_pixels.h"
#include "task/picture_sources.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kChangeSeed = 0x736567303031ull;

data::ImageMaskPairs open_files(const fs::path& path, const data::ImageMaskPairsOptions& options) {
  if (fs::is_directory(path)) return data::ImageMaskPairs::from_folder(path, options);
  if (is_table(path)) return data::ImageMaskPairs::from_list(path, options);
  throw Error(
      fmt::format("{}: a folder with the subfolders images and masks, or a table (*.csv, *.tsv, *.tab) of "
                  "their paths, needed",
                  io::printable(path.string())));
}

/// At least as large as what is cut out of it.
data::Scene widened(const data::Scene& scene, std::int64_t crop, const data::SceneOptions& fill) {
  const std::int64_t height = std::max(scene.image.height, crop), width = std::max(scene.image.width, crop);
  if (height == scene.image.height && width == scene.image.width) return scene;
  return data::center_crop(scene, height, width, fill);
}

}  // namespace

SegmentData open_pairs(const fs::path& path, bool skip_bad, const std::vector<std::string>& classes) {
  std::vector<std::string> names = classes;
  if (names.empty()) names = class_names_in(fs::is_directory(path) ? path : path.parent_path());
  data::ImageMaskPairs pairs =
      open_files(path, {.classes = static_cast<std::int64_t>(names.size()),
                        .ignored = kUnknownClass,
                        .bad_records = skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow});
  if (names.empty()) {
    const std::int64_t count = std::max<std::int64_t>(2, pairs.largest_class() + 1);
    for (std::int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
    pairs = pairs.with_classes(count);
  }
  return {.pairs = std::move(pairs), .classes = std::move(names)};
}

std::uint64_t checksum_of(const SegmentData& data) {
  std::uint64_t sum = 0;
  const auto add = [&](const std::string& text) { sum = sum * 0x100000001b3ull ^ data::hash_of(text); };
  for (std::int64_t i = 0; i < data.pairs.size(); ++i) add(data.pairs.name(i));
  for (const std::string& name : data.classes) add(name);
  return sum;
}

data::SceneOptions surrounded_by_mean(const data::PixelStatistics& pixels, std::int64_t channels) {
  return {.fill = mean_color(pixels, channels), .mask_fill = kUnknownClass};
}

SegmentBatch changed_scenes(const data::ImageMaskPairs& pairs, std::span<const std::int64_t> rows,
                            const SegmentConfig& config, const SegmentOptions& options, std::int64_t index) {
  constexpr std::uint64_t kStreamsOfPicture = 8, kStreamsOfBatch = std::uint64_t{1} << 24;
  const std::uint64_t seed = options.seed ^ kChangeSeed,
                      first = static_cast<std::uint64_t>(index) * kStreamsOfBatch;
  const std::int64_t side = options.crop, channels = config.model.channels;
  const auto count = static_cast<std::int64_t>(rows.size());
  const PictureChanges changes{.flip = options.flip,
                               .rotation = options.rotation,
                               .jitter = options.jitter,
                               .height = side,
                               .width = side,
                               .fill = surrounded_by_mean(config.pixels, channels)};
  const SegmentBatch batch{.pictures = Tensor::empty({count, side, side, channels}),
                           .labels = Tensor::empty({count, side, side}, DType::i32)};
  for (std::int64_t i = 0; i < count; ++i) {
    data::Scene scene = pairs.scene(rows[static_cast<std::size_t>(i)]);
    scene.image = io::with_channels(scene.image, channels);
    Generator random(seed, first + kStreamsOfPicture * static_cast<std::uint64_t>(i + 1));
    scene = changed_scene(widened(scene, side, changes.fill), changes, random);
    const std::int64_t pixels = side * side, values = pixels * channels;
    data::normalise_into({batch.pictures.data<float>() + i * values, static_cast<std::size_t>(values)},
                         scene.image, config.pixels);
    std::copy(scene.mask->pixels.begin(), scene.mask->pixels.end(),
              batch.labels.data<std::int32_t>() + i * pixels);
  }
  return batch;
}

}  // namespace attend::task

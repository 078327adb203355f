#include "task/detect/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"
#include "attend/data/split.h"
#include "io/printable.h"
#include "task/picture_changes.h"
#include "task/picture_pixels.h"
#include "task/picture_sources.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kChangeSeed = 0x646574303031ull;

data::SceneOptions surrounded_by_mean(const DetectConfig& config) {
  return {.fill = mean_color(config.pixels, config.model.channels())};
}

std::int64_t scaled_side(std::int64_t side, double factor) {
  return std::max<std::int64_t>(1, std::llround(static_cast<double>(side) * factor));
}

/// By which a picture becomes as large as it can be inside the size.
double fitting_factor(const io::Image& picture, const PictureSize& size) {
  return std::min(static_cast<double>(size.height) / static_cast<double>(picture.height),
                  static_cast<double>(size.width) / static_cast<double>(picture.width));
}

data::Scene resized(data::Scene scene, double factor) {
  const std::int64_t height = scaled_side(scene.image.height, factor),
                     width = scaled_side(scene.image.width, factor);
  if (height == scene.image.height && width == scene.image.width) return scene;
  return data::resize(scene, height, width);
}

/// A random beginning of a window of `side` pixels that lies inside `whole`, or around it.
std::int64_t random_place(std::int64_t whole, std::int64_t side, Generator& random) {
  const auto places = static_cast<std::uint64_t>(std::abs(whole - side)) + 1;
  const auto place = static_cast<std::int64_t>(random.below(places));
  return whole >= side ? place : -place;
}

/// Fitted, and larger or smaller than that by a random factor, at a random place.
data::Scene zoomed(data::Scene scene, const DetectConfig& config, double zoom, Generator& random) {
  const PictureSize size = config.size;
  const double factor = fitting_factor(scene.image, size) * std::pow(1 + zoom, 2 * random.uniform() - 1);
  scene = resized(std::move(scene), factor);
  const std::int64_t top = random_place(scene.image.height, size.height, random),
                     left = random_place(scene.image.width, size.width, random);
  return data::crop(scene, {.top = top, .left = left, .height = size.height, .width = size.width},
                    surrounded_by_mean(config));
}

}  // namespace

fs::path list_in(const fs::path& folder, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    for (const fs::path& place : {folder, folder / "ImageSets/Main"})
      if (fs::is_regular_file(place / (name + ".txt"))) return place / (name + ".txt");
  return {};
}

data::DetectionImages open_detection_images(const DetectionSource& source, bool skip_bad,
                                            const std::vector<std::string>& classes) {
  data::DetectionImagesOptions options{
      .classes = classes, .bad_records = skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow};
  const std::string name = io::printable(source.path.string());
  if (fs::is_directory(source.path)) {
    if (classes.empty()) options.classes = class_names_in(source.path);
    if (!source.picture_folder.empty())
      throw Error(
          fmt::format("{}: a folder has its pictures in JPEGImages; a folder of pictures goes with "
                      "a file *.json",
                      name));
    return data::DetectionImages::from_voc(source.path, source.list, options);
  }
  if (source.path.extension() != ".json")
    throw Error(
        fmt::format("{}: a folder in the format of Pascal VOC (Annotations, JPEGImages) or a file *.json in "
                    "that of COCO needed",
                    name));
  if (!source.list.empty())
    throw Error(fmt::format("{}: a file lists its pictures itself; a list {} goes with a folder", name,
                            io::printable(source.list.string())));
  return data::DetectionImages::from_coco(
      source.path, source.picture_folder.empty() ? source.path.parent_path() : source.picture_folder,
      options);
}

std::int64_t objects_in(const data::DetectionImages& images) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < images.size(); ++i)
    count += std::ranges::count_if(
        images.boxes(i), [](const data::AnnotatedBox& box) { return !box.crowd && !box.difficult; });
  return count;
}

std::uint64_t checksum_of(const data::DetectionImages& images) {
  std::uint64_t sum = 0;
  const auto add = [&](const std::string& text) { sum = sum * 0x100000001b3ull ^ data::hash_of(text); };
  for (std::int64_t i = 0; i < images.size(); ++i) {
    add(images.name(i));
    for (const data::AnnotatedBox& marked : images.boxes(i)) {
      const data::Box& box = marked.box;
      add(fmt::format("{} {} {} {} {} {} {}", box.x0, box.y0, box.x1, box.y1, box.label, marked.crowd,
                      marked.difficult));
    }
  }
  for (const std::string& name : images.class_names()) add(name);
  return sum;
}

PictureSize size_in_proportion(const io::Image& picture, std::int64_t longer) {
  const double factor =
      static_cast<double>(longer) / static_cast<double>(std::max(picture.height, picture.width));
  return {.height = scaled_side(picture.height, factor), .width = scaled_side(picture.width, factor)};
}

FittedPicture fitted(data::Scene scene, const DetectConfig& config) {
  const PictureSize size = config.size;
  scene.image = io::with_channels(scene.image, config.model.channels());
  const double factor = fitting_factor(scene.image, size);
  scene = resized(std::move(scene), factor);
  const std::int64_t height = scene.image.height, width = scene.image.width;
  if (height != size.height || width != size.width)
    scene = data::crop(scene, {.height = size.height, .width = size.width}, surrounded_by_mean(config));
  return {.scene = std::move(scene), .height = height, .width = width};
}

data::Box box_in_picture(const data::Box& box, const FittedPicture& fitted, const io::Image& picture) {
  const auto mapped = [](float place, std::int64_t from, std::int64_t to) {
    const double limit = static_cast<double>(to);
    return static_cast<float>(std::clamp(place * limit / static_cast<double>(from), 0.0, limit));
  };
  return {.x0 = mapped(box.x0, fitted.width, picture.width),
          .y0 = mapped(box.y0, fitted.height, picture.height),
          .x1 = mapped(box.x1, fitted.width, picture.width),
          .y1 = mapped(box.y1, fitted.height, picture.height),
          .label = box.label};
}

DetectBatch batch_of(std::span<const data::Scene> scenes, const DetectConfig& config) {
  const std::int64_t height = config.size.height, width = config.size.width,
                     channels = config.model.channels();
  const std::size_t values = static_cast<std::size_t>(height * width * channels);
  DetectBatch batch{
      .pictures = Tensor::empty({static_cast<std::int64_t>(scenes.size()), height, width, channels}),
      .targets = {}};
  float* row = batch.pictures.data<float>();
  for (const data::Scene& scene : scenes) {
    data::normalise_into({row, values}, scene.image, config.pixels);
    row += values;
    batch.targets.push_back(scene.boxes);
  }
  return batch;
}

DetectBatch changed_scenes(const data::DetectionImages& images, std::span<const std::int64_t> rows,
                           const DetectConfig& config, const DetectOptions& options, std::int64_t index) {
  constexpr std::uint64_t kStreamsOfPicture = 8, kStreamsOfBatch = std::uint64_t{1} << 24;
  const std::uint64_t seed = options.seed ^ kChangeSeed,
                      first = static_cast<std::uint64_t>(index) * kStreamsOfBatch;
  const PictureChanges changes{.flip = options.flip,
                               .rotation = options.rotation,
                               .jitter = options.jitter,
                               .height = config.size.height,
                               .width = config.size.width,
                               .fill = surrounded_by_mean(config)};
  std::vector<data::Scene> scenes;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    data::Scene scene = images.scene(rows[i]);
    Generator random(seed, first + kStreamsOfPicture * (i + 1));
    if (options.zoom > 0) {
      scene.image = io::with_channels(scene.image, config.model.channels());
      scene = zoomed(std::move(scene), config, options.zoom, random);
    } else {
      scene = fitted(std::move(scene), config).scene;
    }
    scenes.push_back(changed_scene(std::move(scene), changes, random));
  }
  return batch_of(scenes, config);
}

}  // namespace attend::task

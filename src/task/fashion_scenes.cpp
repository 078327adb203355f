#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "attend/data/labelled_images.h"
#include "task/dataset_content.h"
#include "task/fashion_files.h"
#include "task/scene_files.h"

// Scenes made of pictures that a Debian package holds.
namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr data::ComposedScenesOptions kScenes{.height = 96,
                                              .width = 96,
                                              .least_items = 1,
                                              .most_items = 4,
                                              .least_scale = 0.8,
                                              .most_scale = 1.5,
                                              .noise = 40};

data::LabelledImages items_of(const fs::path& folder, const std::string& part) {
  return data::LabelledImages::from_idx(folder / fashion_pictures_file(part),
                                        folder / fashion_labels_file(part), {.classes = fashion_classes()});
}

/// Every second picture, from the first.
data::LabelledImages every_second(const data::LabelledImages& items, std::int64_t first) {
  std::vector<std::int64_t> places;
  for (std::int64_t i = first; i < items.size(); i += 2) places.push_back(i);
  return items.subset(places);
}

}  // namespace

DatasetContent fashion_scenes(Apt& apt, const DatasetJob& job) {
  const fs::path files = apt.unpacked(kFashionPackage), folder = fashion_files(files);
  DatasetContent content{
      .unit = "records",
      .origin = fmt::format(
          "Scenes of {} x {} pixels with {} to {} pictures of the Debian package {} on dark noise, each of "
          "{} to {} times its size.",
          kScenes.width, kScenes.height, kScenes.least_items, kScenes.most_items, kFashionPackage,
          kScenes.least_scale, kScenes.most_scale),
      .split =
          "Scenes to learn from are made of the pictures that the data set's authors give to learn from, "
          "those to choose by and to measure on of two halves of their test pictures."};
  const data::LabelledImages train = items_of(folder, "train"), test = items_of(folder, "t10k");
  const auto add = [&](const char* part, const data::LabelledImages& items, std::int64_t count,
                       std::uint64_t seed) {
    std::vector<WholeFile> made = scene_files(data::ComposedScenes(items, kScenes, seed), part, count);
    std::move(made.begin(), made.end(), std::back_inserter(content.files));
  };
  add("train", train, job.scenes > 0 ? job.scenes : 16000, 1);
  add("valid", every_second(test, 0), 500, 2);
  add("test", every_second(test, 1), 1000, 3);
  take_terms(content, apt, kFashionPackage, files);
  return content;
}

}  // namespace attend::task

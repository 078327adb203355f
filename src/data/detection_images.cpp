#include "attend/data/detection_images.h"

#include <fmt/format.h>

#include <utility>

#include "attend/base/error.h"
#include "data/detection_builder.h"
#include "data/picture_files.h"

namespace attend::data {

const DetectionImages::Picture& DetectionImages::at(std::int64_t i) const {
  check_picture(i, size());
  return source_->pictures[static_cast<std::size_t>(pictures_[static_cast<std::size_t>(i)])];
}

const std::vector<AnnotatedBox>& DetectionImages::boxes(std::int64_t i) const {
  return at(i).boxes;
}

io::Image DetectionImages::image(std::int64_t i) const {
  const Picture& picture = at(i);
  const std::filesystem::path path = source_->folder / picture.name;
  io::Image image = io::read_image(path, source_->image);
  if (image.height != picture.height || image.width != picture.width)
    throw Error(fmt::format("{}: the picture is {} x {} pixels (width x height); {} says {} x {}",
                            path.string(), image.width, image.height, picture.place, picture.width,
                            picture.height));
  return image;
}

Scene DetectionImages::scene(std::int64_t i) const {
  Scene scene{.image = image(i)};
  for (const AnnotatedBox& object : boxes(i))
    if (!object.crowd && !object.difficult) scene.boxes.push_back(object.box);
  return scene;
}

std::string DetectionImages::name(std::int64_t i) const {
  return at(i).name;
}

ImageEntry DetectionImages::entry(std::int64_t i) const {
  const Picture& picture = at(i);
  return {picture.name, picture.height, picture.width};
}

DetectionImages DetectionImages::subset(const std::vector<std::int64_t>& pictures) const {
  DetectionImages set;
  set.source_ = source_;
  set.class_names_ = class_names_;
  for (const std::int64_t i : pictures) {
    check_picture(i, size());
    set.pictures_.push_back(pictures_[static_cast<std::size_t>(i)]);
  }
  return set;
}

DetectionImages DetectionImages::part(Split part, const SplitShares& shares) const {
  std::vector<std::int64_t> pictures;
  for (std::int64_t i = 0; i < size(); ++i)
    if (split_of(name(i), shares) == part) pictures.push_back(i);
  return subset(pictures);
}

void DetectionImages::leave_out_unreadable() {
  SkippedRecords skipped = skipped_;
  DetectionImages set = subset(readable_items(
      size(), [this](std::int64_t i) { image(i); }, skipped));
  set.skipped_ = std::move(skipped);
  *this = std::move(set);
}

}  // namespace attend::data

#include "data/detection_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/augment_draw.h"
#include "data/picture_files.h"
#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {

DetectionImages::Builder::Builder(const DetectionImagesOptions& options,
                                  const std::filesystem::path& pictures)
    : options_(options), folder_(pictures) {
  check_classes(options.classes);
}

void DetectionImages::Builder::bad(const std::string& message) {
  if (options_.bad_records == BadRecords::kThrow) throw BadRecord(message);
  add({1, message});
}

void DetectionImages::Builder::add(const SkippedRecords& skipped) {
  if (set_.skipped_.count == 0) set_.skipped_.first = skipped.first;
  set_.skipped_.count += skipped.count;
}

DetectionImages DetectionImages::Builder::build(const std::vector<AnnotatedPicture>& pictures,
                                                std::vector<std::string> classes) {
  if (!options_.classes.empty()) classes = options_.classes;
  set_.class_names_ = std::move(classes);
  for (const std::string& name : set_.class_names_)
    classes_.emplace(name, static_cast<std::int64_t>(classes_.size()));
  const auto source = std::make_shared<Source>(Source{.folder = folder_, .image = options_.image});
  for (const AnnotatedPicture& picture : pictures) {
    try {
      source->pictures.push_back(checked(picture));
    } catch (const BadRecord& error) {
      bad(error.what());
      continue;
    }
    set_.pictures_.push_back(set_.size());
  }
  set_.source_ = source;
  if (options_.bad_records == BadRecords::kSkip) set_.leave_out_unreadable();
  return std::move(set_);
}

DetectionImages::Picture DetectionImages::Builder::checked(const AnnotatedPicture& picture) const {
  Picture result{.name = picture.name,
                 .height = picture.height,
                 .width = picture.width,
                 .place = fmt::format("{}, line {}", picture.file, picture.line)};
  if (picture.name.empty() || !is_file(folder_ / picture.name))
    throw BadRecord(fmt::format("{}: there is no file {} in {}", result.place, io::printable(picture.name),
                                folder_.string()));
  if (std::min(picture.height, picture.width) < 1 || std::max(picture.height, picture.width) > kLongestSide)
    throw BadRecord(fmt::format("{}: a picture of height {} and width {}; sides from 1 to {} are accepted",
                                result.place, picture.height, picture.width, kLongestSide));
  for (const AnnotatedObject& object : picture.objects) result.boxes.push_back(checked(object, picture));
  return result;
}

AnnotatedBox DetectionImages::Builder::checked(const AnnotatedObject& object,
                                               const AnnotatedPicture& picture) const {
  const auto refuse = [&](const std::string& what) {
    throw BadRecord(fmt::format("{}, line {}: {}", picture.file, object.line, what));
  };
  const auto label = classes_.find(object.class_name);
  if (label == classes_.end()) refuse(missing_name("class", object.class_name, set_.class_names_));
  constexpr double kRounding = 1;
  const auto width = static_cast<double>(picture.width), height = static_cast<double>(picture.height);
  const auto inside = [](double value, double end) {
    return static_cast<float>(std::clamp(value, 0.0, end));
  };
  // What is NaN is not within the limits.
  const bool fits = object.x0 >= -kRounding && object.y0 >= -kRounding && object.x1 <= width + kRounding &&
                    object.y1 <= height + kRounding;
  AnnotatedBox result{.crowd = object.crowd,
                      .difficult = object.difficult,
                      .truncated = object.truncated,
                      .area = object.area};
  if (fits)
    result.box = {inside(object.x0, width), inside(object.y0, height), inside(object.x1, width),
                  inside(object.y1, height), label->second};
  if (!fits || !(object.x0 < object.x1) || !(object.y0 < object.y1) || !has_inside(result.box))
    refuse(
        fmt::format("the box of {} goes from ({}, {}) to ({}, {}); expected x0 < x1 and y0 < y1 within the "
                    "picture, which goes from (0, 0) to ({}, {})",
                    io::printable(object.class_name), object.x0, object.y0, object.x1, object.y1,
                    picture.width, picture.height));
  if (object.area && !(*object.area >= 0))
    refuse(fmt::format("the area of {} is {}; 0 or more is accepted", io::printable(object.class_name),
                       *object.area));
  return result;
}

}  // namespace attend::data

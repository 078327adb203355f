#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "attend/base/error.h"
#include "attend/data/detections.h"

namespace attend::data {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) {
  return std::round(1000 * value) / 1000;
}

Json sides_of(const Box& box) {
  return {rounded(box.x0), rounded(box.y0), rounded(double{box.x1} - double{box.x0}),
          rounded(double{box.y1} - double{box.y0})};
}

void check_box(const Box& box, std::size_t picture) {
  if (!has_inside(box))
    throw Error(fmt::format("picture {} has a box from ({}, {}) to ({}, {}); expected x0 < x1 and y0 < y1",
                            picture, box.x0, box.y0, box.x1, box.y1));
  if (box.label < 0)
    throw Error(fmt::format("picture {} has label {}; expected a class", picture, box.label));
}

/// Bytes of names that are not UTF-8 become the replacement character.
std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_coco_annotations(std::span<const ImageEntry> pictures,
                                std::span<const std::vector<AnnotatedBox>> boxes,
                                const std::vector<std::string>& class_names) {
  if (pictures.size() != boxes.size())
    throw Error(
        fmt::format("{} pictures with boxes for {}; expected as many", pictures.size(), boxes.size()));
  Json images = Json::array(), annotations = Json::array(), categories = Json::array();
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    images.push_back({{"id", i + 1},
                      {"file_name", pictures[i].name},
                      {"height", pictures[i].height},
                      {"width", pictures[i].width}});
    for (const AnnotatedBox& object : boxes[i]) {
      check_box(object.box, i);
      if (object.box.label >= std::ssize(class_names))
        throw Error(fmt::format("picture {} has label {}; expected one of the {} classes, from 0", i,
                                object.box.label, class_names.size()));
      annotations.push_back({{"id", annotations.size() + 1},
                             {"image_id", i + 1},
                             {"category_id", object.box.label + 1},
                             {"bbox", sides_of(object.box)},
                             {"area", rounded(object.area.value_or(area_of(object.box)))},
                             {"iscrowd", object.crowd ? 1 : 0}});
    }
  }
  for (std::size_t i = 0; i < class_names.size(); ++i)
    categories.push_back({{"id", i + 1}, {"name", class_names[i]}});
  return dumped(Json{{"images", images}, {"annotations", annotations}, {"categories", categories}});
}

std::string to_coco_results(std::span<const std::vector<DetectedBox>> boxes) {
  Json results = Json::array();
  for (std::size_t i = 0; i < boxes.size(); ++i)
    for (const DetectedBox& found : boxes[i]) {
      check_box(found.box, i);
      if (!std::isfinite(found.score))
        throw Error(fmt::format("picture {} has a score of {}; expected a finite one", i, found.score));
      results.push_back({{"image_id", i + 1},
                         {"category_id", found.box.label + 1},
                         {"bbox", sides_of(found.box)},
                         {"score", found.score}});
    }
  return dumped(results);
}

}  // namespace attend::data

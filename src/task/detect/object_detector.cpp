#include "attend/task/object_detector.h"

#include <fmt/format.h>

#include <utility>

#include "attend/explain/draw_boxes.h"
#include "attend/model/weights.h"
#include "task/detect/attention_maps.h"
#include "task/detect/data.h"
#include "task/detect/evaluate.h"
#include "task/model_folder.h"
#include "task/precision.h"

namespace attend::task {

namespace {

constexpr std::size_t kMostMaps = 12;

}  // namespace

struct ObjectDetector::Content {
  DetectConfig config;
  std::unique_ptr<model::Detector> model;
};

ObjectDetector::ObjectDetector(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_detect_config(folder);
  content_->model = model::make_detector(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

ObjectDetector::~ObjectDetector() = default;
ObjectDetector::ObjectDetector(ObjectDetector&&) noexcept = default;
ObjectDetector& ObjectDetector::operator=(ObjectDetector&&) noexcept = default;

const DetectConfig& ObjectDetector::config() const {
  return content_->config;
}
const model::Detector& ObjectDetector::model() const {
  return *content_->model;
}
const std::vector<std::string>& ObjectDetector::classes() const {
  return content_->config.classes;
}

std::vector<data::DetectedBox> ObjectDetector::detect(const io::Image& picture, double threshold) const {
  return objects_of(model(), picture, fitted({.image = picture}, config()), config(),
                    {.score_threshold = threshold});
}

explain::PictureMaps ObjectDetector::see(const io::Image& picture, double threshold) const {
  const FittedPicture seen = fitted({.image = picture}, config());
  AttentionWatcher watcher;
  std::vector<data::DetectedBox> objects =
      objects_of(model(), picture, seen, config(), {.score_threshold = threshold}, &watcher);
  const std::size_t found = objects.size();
  if (found > kMostMaps) objects.resize(kMostMaps);
  return {.title = fmt::format("{} x {} pixels, {} objects", picture.height, picture.width, found),
          .picture = explain::draw_boxes(picture, objects, classes()),
          .maps = attention_maps(
              {.model = model(), .config = config(), .fitted = seen, .seen = watcher, .picture = picture},
              objects)};
}

DetectEvaluation ObjectDetector::evaluate(const DetectionSource& source, bool skip_bad) const {
  DetectionSource measured = source;
  if (measured.list.empty() && std::filesystem::is_directory(source.path))
    measured.list = list_in(source.path, {"test", "val"});
  return task::evaluate(model(), open_detection_images(measured, skip_bad, classes()), config(), DType::f32);
}

}  // namespace attend::task

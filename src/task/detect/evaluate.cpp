#include "task/detect/evaluate.h"

#include <algorithm>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"

namespace attend::task {

namespace {

constexpr std::int64_t kBatch = 8;
constexpr model::DetectOptions kMeasured{.score_threshold = 0.01};

/// Boxes of a fitted picture in pixels of the picture itself, those that are in it.
std::vector<data::DetectedBox> in_picture(const std::vector<data::DetectedBox>& found,
                                          const FittedPicture& fitted, const io::Image& picture) {
  std::vector<data::DetectedBox> inside;
  for (data::DetectedBox object : found) {
    object.box = box_in_picture(object.box, fitted, picture);
    if (data::has_inside(object.box)) inside.push_back(object);
  }
  return inside;
}

/// Pictures as their files have them, and as the network sees them.
struct Pictures {
  std::vector<io::Image> whole;
  std::vector<FittedPicture> fitted;
};

Pictures pictures_from(const data::DetectionImages& images, std::int64_t first, std::int64_t end,
                       const DetectConfig& config) {
  Pictures pictures;
  for (std::int64_t i = first; i < end; ++i) {
    data::Scene scene = images.scene(i);
    pictures.whole.push_back(scene.image);
    pictures.fitted.push_back(fitted(std::move(scene), config));
  }
  return pictures;
}

DetectBatch batch_of_fitted(const std::vector<FittedPicture>& pictures, const DetectConfig& config) {
  std::vector<data::Scene> scenes;
  for (const FittedPicture& picture : pictures) scenes.push_back(picture.scene);
  return batch_of(scenes, config);
}

}  // namespace

std::vector<data::DetectedBox> objects_of(const model::Detector& model, const io::Image& picture,
                                          const FittedPicture& fitted, const DetectConfig& config,
                                          const model::DetectOptions& options,
                                          attention::Observer* observer) {
  nn::Run run;
  run.observer = observer;
  const Tensor one = batch_of({&fitted.scene, 1}, config).pictures;
  return in_picture(model.detect(one, options, run).front(), fitted, picture);
}

DetectEvaluation evaluate(const model::Detector& model, const data::DetectionImages& images,
                          const DetectConfig& config, DType compute) {
  if (images.size() == 0) throw Error("there is no picture to measure on");
  const autograd::NoGrad no_grad;
  DetectEvaluation result{
      .pictures = images.size(), .skipped = images.skipped().count, .objects = objects_in(images)};
  nn::Run run;
  run.compute = compute;
  std::vector<std::vector<data::AnnotatedBox>> expected;
  std::vector<std::vector<data::DetectedBox>> predicted;
  for (std::int64_t first = 0; first < images.size(); first += kBatch) {
    const Pictures pictures = pictures_from(images, first, std::min(first + kBatch, images.size()), config);
    const DetectBatch batch = batch_of_fitted(pictures.fitted, config);
    const auto count = static_cast<double>(pictures.whole.size());
    result.loss += count * model.loss(batch.pictures, batch.targets, run).total.item();
    const model::Detections found = model.detect(batch.pictures, kMeasured, run);
    for (std::size_t i = 0; i < found.size(); ++i) {
      predicted.push_back(in_picture(found[i], pictures.fitted[i], pictures.whole[i]));
      expected.push_back(images.boxes(first + static_cast<std::int64_t>(i)));
    }
  }
  result.loss /= static_cast<double>(images.size());
  result.score = metric::detection_score(expected, predicted, model.classes());
  return result;
}

}  // namespace attend::task

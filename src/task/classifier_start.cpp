#include "task/classifier_start.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/image_classify.h"
#include "attend/train/checkpoint.h"

namespace attend::task {

namespace {

void check_residual(const ImageClassifyConfig& classifier) {
  if (classifier.model.kind != "cnn")
    throw Error(
        fmt::format("init: a classifier of the kind {}; one with a residual network (--model cnn) is "
                    "needed to start from",
                    classifier.model.kind));
}

}  // namespace

model::ResidualCnnConfig read_starting_classifier(const std::filesystem::path& folder) {
  const ImageClassifyConfig config = read_image_classify_config(folder);
  check_residual(config);
  return config.model.cnn;
}

std::unique_ptr<PictureClassifier> starting_classifier(const std::string& init, const TrainingPlace& place,
                                                       bool begun) {
  if (init.empty() || (begun && train::CheckpointFolder(place.out / "training").has_any())) return nullptr;
  return std::make_unique<PictureClassifier>(init);
}

const model::ResidualCnn& trunk_of(const PictureClassifier& classifier) {
  check_residual(classifier.config());
  return dynamic_cast<const model::ResidualCnn&>(classifier.model());
}

}  // namespace attend::task

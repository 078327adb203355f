#include "task/classifier_start.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/image_classify.h"
#include "attend/train/checkpoint.h"
#include "task/model_folder.h"

namespace attend::task {

model::ResidualCnnConfig read_starting_classifier(const std::filesystem::path& folder) {
  const ImageClassifyConfig config = read_image_classify_config(folder);
  if (config.model.kind != "cnn")
    throw Error(
        fmt::format("{}: a classifier of the kind {}; one with a residual network (--model cnn) is "
                    "needed to start from",
                    (folder / kConfigFile).string(), config.model.kind));
  return config.model.cnn;
}

std::unique_ptr<PictureClassifier> starting_classifier(const std::string& init, const TrainingPlace& place,
                                                       bool begun) {
  if (init.empty() || (begun && train::CheckpointFolder(place.out / "training").has_any())) return nullptr;
  read_starting_classifier(init);
  return std::make_unique<PictureClassifier>(init);
}

}  // namespace attend::task

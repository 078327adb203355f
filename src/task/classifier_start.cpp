#include "task/classifier_start.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "attend/base/error.h"
#include "attend/task/image_classify.h"
#include "attend/train/checkpoint.h"
#include "task/config_json.h"

namespace attend::task {

namespace {

void check_residual(const ImageClassifyConfig& classifier) {
  if (classifier.model.kind != "cnn")
    throw Error(
        fmt::format("init: a classifier of the kind {}; one with a residual network (--model cnn) is "
                    "needed to start from",
                    classifier.model.kind));
}

bool tells_classes(std::string_view parameter) {
  return parameter.starts_with("head.") || parameter.starts_with("distillation_head.");
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

void start_classifier(const model::ImageClassifier& network, const model::ImageClassifierConfig& config,
                      const PictureClassifier& classifier) {
  const auto check = [](const std::string& key, const Json& own, const Json& found) {
    if (own != found)
      throw Error(fmt::format("{} {}: the classifier to start from has {}, and what starts from it keeps it",
                              key, own.dump(), found.dump()));
  };
  const Json own = Json::parse(model::to_json(config)),
             found = Json::parse(model::to_json(classifier.config().model));
  check("kind", own["kind"], found["kind"]);
  for (const auto& [key, value] : own["network"].items())
    if (key != "classes" && key != "dropout") check(key, value, found["network"][key]);
  std::map<std::string, Tensor> weights;
  for (const nn::NamedParameter& parameter : classifier.model().parameters())
    weights.emplace(parameter.name, parameter.tensor);
  for (const nn::NamedParameter& parameter : network.parameters())
    if (!tells_classes(parameter.name)) parameter.tensor.copy_from(weights.at(parameter.name));
}

}  // namespace attend::task

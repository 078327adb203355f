#include "model/trunk_weights.h"

#include <map>

#include "attend/nn/feature_attention.h"

namespace attend::model {

void check_trunk(const ResidualCnnConfig& classifier, const TrunkShape& own) {
  check_same("channels", own.channels, classifier.channels);
  check_same("width", own.width, classifier.width);
  check_same("blocks", own.blocks, classifier.blocks);
  check_same("block", nn::name_of(own.block), nn::name_of(classifier.block));
  if (own.norm != nn::FeatureNormKind::batch)
    throw Error(
        "norm group: the classifier to start from has batch norms, and what starts from it keeps them");
  const nn::FeatureAttentionOptions usual;
  check_same("reduction", usual.reduction, classifier.reduction);
  check_same("window", usual.window, classifier.window);
  check_same("spatial_transformer", false, classifier.spatial_transformer);
}

void copy_weights(const nn::Module& from, const nn::Module& to,
                  const std::function<std::string(std::string_view)>& own_name) {
  std::map<std::string, Tensor> found;
  for (const nn::NamedParameter& parameter : from.parameters())
    found.emplace(own_name(parameter.name), parameter.tensor);
  for (const nn::NamedParameter& parameter : to.parameters())
    if (const auto weight = found.find(parameter.name); weight != found.end())
      parameter.tensor.copy_from(weight->second);
}

}  // namespace attend::model

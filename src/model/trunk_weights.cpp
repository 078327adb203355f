#include "model/trunk_weights.h"

#include <fmt/format.h>

#include <map>

#include "attend/base/error.h"
#include "attend/nn/feature_attention.h"

namespace attend::model {

namespace {

template <class Value>
void check_equal(const char* key, const Value& own, const Value& found) {
  if (own != found)
    throw Error(fmt::format("{} {}: the classifier to start from has {}, and what starts from it keeps it",
                            key, own, found));
}

}  // namespace

void check_trunk(const ResidualCnnConfig& classifier, const TrunkShape& own) {
  check_equal("channels", own.channels, classifier.channels);
  check_equal("width", own.width, classifier.width);
  check_equal("blocks", own.blocks, classifier.blocks);
  check_equal("block", nn::name_of(own.block), nn::name_of(classifier.block));
  if (own.norm != nn::FeatureNormKind::batch)
    throw Error(
        "norm group: the classifier to start from has batch norms, and what starts from it keeps them");
  const nn::FeatureAttentionOptions usual;
  check_equal("reduction", usual.reduction, classifier.reduction);
  check_equal("window", usual.window, classifier.window);
  check_equal("spatial_transformer", false, classifier.spatial_transformer);
}

void copy_trunk(const ResidualCnn& classifier, const nn::Module& network,
                const std::function<std::string(std::string_view)>& own_name) {
  std::map<std::string, Tensor> found;
  for (const nn::NamedParameter& parameter : classifier.parameters())
    found.emplace(own_name(parameter.name), parameter.tensor);
  for (const nn::NamedParameter& parameter : network.parameters())
    if (const auto from = found.find(parameter.name); from != found.end())
      parameter.tensor.copy_from(from->second);
}

}  // namespace attend::model

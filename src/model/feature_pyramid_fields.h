#pragma once

#include <concepts>
#include <type_traits>

#include "attend/model/feature_pyramid.h"
#include "model/config_fields.h"

namespace attend::model {

/// Calls visit(key, field, accepted values) for every field of a FeaturePyramidConfig: the one list of them.
template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, FeaturePyramidConfig>
void for_each_field(Config& config, Visit&& visit) {
  visit("channels", config.channels, IntegerRange{1, 1024});
  visit("width", config.width, IntegerRange{1, 4096});
  visit("stages", config.stages, IntegerRange{1, 6});
  visit("blocks", config.blocks, IntegerRange{1, 1000});
  visit("levels", config.levels, IntegerRange{1, 6});
  visit("dim", config.dim, IntegerRange{1, 4096});
}

}  // namespace attend::model

#pragma once

#include <cstdint>
#include <memory>

#include "attend/base/random.h"
#include "attend/model/unet.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::model {

/// What a level of the way down makes of the maps of the finer one.
struct LevelMaps {
  Tensor own;    ///< what the way up reads
  Tensor below;  ///< what the next coarser level reads
};

class DownLevel : public nn::Module {
 public:
  /// Maps of the finer level, or pictures. `layer` is what the observer is told of the attention of the first
  /// block.
  virtual LevelMaps forward(const Tensor& finer, const nn::Run& run, std::int64_t layer) const = 0;
};

class UpLevel : public nn::Module {
 public:
  /// From the maps of the way down and those of the coarser level. `layer` is what the observer is told.
  virtual Tensor forward(const Tensor& skipped, const Tensor& coarse, const nn::Run& run,
                         std::int64_t layer) const = 0;
};

/// Level 0 is the finest.
std::unique_ptr<DownLevel> make_down_level(const UNetConfig& config, std::int64_t level, Generator& random);
std::unique_ptr<UpLevel> make_up_level(const UNetConfig& config, std::int64_t level, Generator& random);

}  // namespace attend::model

#pragma once

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/model/image_generation_config.h"
#include "attend/tensor/tensor.h"

namespace attend::model {

/// Throws Error unless there is a class, i32 or i64, for each row of a batch.
inline void check_classes(const Tensor& classes, std::int64_t batch) {
  if (!classes.defined() || (classes.dtype() != DType::i32 && classes.dtype() != DType::i64) ||
      classes.rank() != 1 || classes.dim(0) != batch)
    throw Error(fmt::format("classes {}: i32 or i64 [{}] needed",
                            classes.defined() ? classes.text() : "undefined", batch));
}

/// Throws Error unless pictures have the shape of the configuration's.
inline void check_pictures(const Tensor& pictures, const ImageGenerationConfig& config) {
  if (!pictures.defined() || !is_floating(pictures.dtype()) || pictures.rank() != 4 ||
      pictures.dim(1) != config.height || pictures.dim(2) != config.width ||
      pictures.dim(3) != config.channels || pictures.elements() == 0)
    throw Error(fmt::format("pictures {}: f32 [batch, {}, {}, {}] needed",
                            pictures.defined() ? pictures.text() : "undefined", config.height, config.width,
                            config.channels));
}

}  // namespace attend::model

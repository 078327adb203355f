#pragma once

#include <cstdint>
#include <memory>

#include "attend/model/image_generator.h"

namespace attend::model {

/// A model that has learned to make pictures.
class ImageGenerationModel : public nn::Module {
 public:
  virtual const ImageGenerator& generator() const = 0;
  /// Standard normal noise f32 [batch, latent], maybe times a temperature, and classes [batch] to latent
  /// vectors that the generator makes pictures of: the noise itself, unless the model knows better.
  virtual Tensor latents(const Tensor& noise, const Tensor& classes) const;
};

/// The model of the kind that the configuration says, with weights drawn from the seed.
std::unique_ptr<ImageGenerationModel> make_image_generation_model(const ImageGenerationConfig& config,
                                                                  std::uint64_t seed = 0);

}  // namespace attend::model

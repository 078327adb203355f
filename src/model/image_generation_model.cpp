#include "attend/model/image_generation_model.h"

#include "attend/model/image_gan.h"
#include "attend/model/image_vae.h"

namespace attend::model {

Tensor ImageGenerationModel::latents(const Tensor& noise, const Tensor& /*classes*/) const {
  return noise;
}

std::unique_ptr<ImageGenerationModel> make_image_generation_model(const ImageGenerationConfig& config,
                                                                  std::uint64_t seed) {
  validate(config);
  if (config.kind == ImageGenerationKind::gan) return std::make_unique<ImageGan>(config, seed);
  return std::make_unique<ImageVae>(config, seed);
}

}  // namespace attend::model

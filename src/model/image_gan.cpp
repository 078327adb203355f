#include "attend/model/image_gan.h"

#include "attend/autograd/tape.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"

namespace attend::model {

namespace {

/// While it lives, operations take the parameters of a module as constants.
class Frozen {
 public:
  explicit Frozen(const nn::Module& module) {
    for (const nn::NamedParameter& parameter : module.parameters()) {
      if (!autograd::requires_grad(parameter.tensor)) continue;
      parameters_.push_back(parameter.tensor);
      autograd::set_requires_grad(parameter.tensor, false);
    }
  }
  ~Frozen() {
    for (const Tensor& parameter : parameters_) autograd::set_requires_grad(parameter);
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  std::vector<Tensor> parameters_;
};

// mean of max(0, 1 + sign score).
Tensor hinge(const Tensor& scores, double sign) {
  return op::mean(op::activate(op::add_scalar(op::scale(scores, sign), 1), Activation::relu));
}

}  // namespace

ImageGan::ImageGan(const ImageGenerationConfig& config, std::uint64_t seed)
    : ImageGan(config, Generator(seed)) {}

ImageGan::ImageGan(const ImageGenerationConfig& config, Generator random)
    : generator_(config, random), discriminator_(config, random) {
  add_child("generator", generator_);
  add_child("discriminator", discriminator_);
}

Tensor ImageGan::discriminator_loss(const Tensor& pictures, const Tensor& classes, const Tensor& latents,
                                    const nn::Run& run) const {
  Tensor made;
  {
    const autograd::NoGrad no_grad;
    made = generator_.forward(latents, classes, run);
  }
  // One pass over both: the weights are normalised once.
  const Tensor scores =
      discriminator_.forward(op::concatenate({op::cast(pictures, made.dtype()), made}, 0),
                             classes.defined() ? op::concatenate({classes, classes}, 0) : classes, run);
  const std::int64_t batch = pictures.dim(0);
  return op::add(hinge(op::slice(scores, 0, 0, batch), -1),
                 hinge(op::slice(scores, 0, batch, scores.dim(0)), 1));
}

Tensor ImageGan::generator_loss(const Tensor& classes, const Tensor& latents, const nn::Run& run) const {
  const Tensor made = generator_.forward(latents, classes, run);
  const Frozen frozen(discriminator_);
  return op::scale(op::mean(discriminator_.forward(made, classes, run)), -1);
}

}  // namespace attend::model

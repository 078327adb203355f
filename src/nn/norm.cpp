#include "attend/nn/norm.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/norm.h"

namespace attend::nn {

namespace {

Tensor ones(std::int64_t dim) {
  if (dim < 1) throw Error(fmt::format("a norm over {} features: at least 1 needed", dim));
  return Tensor::full({dim}, 1);
}

}  // namespace

LayerNorm::LayerNorm(std::int64_t dim, const NormOptions& options)
    : epsilon_(options.epsilon), weight_(ones(dim)), bias_(options.bias ? Tensor::zeros({dim}) : Tensor()) {
  add_parameter("weight", weight_, false);
  add_parameter("bias", bias_, false);
}

Tensor LayerNorm::forward(const Tensor& x) const {
  return op::layer_norm(x, weight_, bias_, epsilon_);
}

Tensor LayerNorm::forward(Residual& x) const {
  if (!x.branch.defined()) return forward(x.sum);
  auto [sum, normed] = op::add_layer_norm(x.branch, x.sum, weight_, bias_, epsilon_);
  x = {sum, Tensor()};
  return normed;
}

RmsNorm::RmsNorm(std::int64_t dim, const NormOptions& options)
    : epsilon_(options.epsilon), weight_(ones(dim)) {
  add_parameter("weight", weight_, false);
}

Tensor RmsNorm::forward(const Tensor& x) const {
  return op::rms_norm(x, weight_, epsilon_);
}

Tensor RmsNorm::forward(Residual& x) const {
  if (!x.branch.defined()) return forward(x.sum);
  auto [sum, normed] = op::add_rms_norm(x.branch, x.sum, weight_, epsilon_);
  x = {sum, Tensor()};
  return normed;
}

std::unique_ptr<Norm> make_norm(NormKind kind, std::int64_t dim, const NormOptions& options) {
  switch (kind) {
    case NormKind::layer:
      return std::make_unique<LayerNorm>(dim, options);
    case NormKind::rms:
      return std::make_unique<RmsNorm>(dim, options);
  }
  throw Error(fmt::format("norm {} is not known", static_cast<int>(kind)));
}

}  // namespace attend::nn

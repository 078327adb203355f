#include "attend/op/contrastive_loss.h"

#include <fmt/format.h>

#include <limits>
#include <numeric>
#include <vector>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/where.h"

namespace attend::op {

namespace {

void check(const Tensor& a, const Tensor& b, const ContrastiveOptions& options) {
  const auto fail = [&](const std::string& needed) {
    throw Error(fmt::format("contrastive loss of a {} and b {}: {}", a.text(), b.text(), needed));
  };
  if (a.rank() != 2 || !(a.shape() == b.shape()) || a.elements() == 0)
    fail("[n, d] of both, n and d at least 1, needed");
  if (a.dtype() != b.dtype() || (a.dtype() != DType::f32 && a.dtype() != DType::f64))
    fail("f32 or f64 of both needed");
  if (!(options.temperature > 0)) fail(fmt::format("temperature {}: above 0 needed", options.temperature));
  const Tensor& ignored = options.ignored;
  if (!ignored.defined()) return;
  if (ignored.dtype() != DType::boolean || !(ignored.shape() == Shape{a.dim(0), a.dim(0)}))
    fail(fmt::format("ignored {}: bool [n, n] needed", ignored.text()));
}

}  // namespace

Tensor contrastive_loss(const Tensor& a, const Tensor& b, const ContrastiveOptions& options) {
  check(a, b, options);
  Tensor scores = scale(matmul(a, transpose(b)), 1 / options.temperature);
  if (options.ignored.defined()) {
    const Tensor never = Tensor::full({}, -std::numeric_limits<double>::infinity(), scores.dtype());
    scores = where(options.ignored, never, scores);
  }
  std::vector<std::int64_t> own(static_cast<std::size_t>(a.dim(0)));
  std::iota(own.begin(), own.end(), 0);
  const Tensor targets = Tensor::from(own, {a.dim(0)});
  return scale(add(cross_entropy(scores, targets), cross_entropy(transpose(scores), targets)), 0.5);
}

}  // namespace attend::op

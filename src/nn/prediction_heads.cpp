#include "attend/nn/prediction_heads.h"

#include <fmt/format.h>

#include <limits>

#include "attend/base/error.h"
#include "attend/nn/padding.h"
#include "attend/op/activation.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/dropout.h"
#include "attend/op/embedding.h"
#include "attend/op/linear.h"
#include "attend/op/shape.h"
#include "attend/op/where.h"

namespace attend::nn {

namespace {

Tensor dropped(const Tensor& x, double probability, const Run& run) {
  if (!run.training || probability == 0) return x;
  return op::dropout(x, probability, dropout_stream(run, probability));
}

LinearOptions linear_options(const HeadOptions& options) {
  return {.initialisation_std = options.initialisation_std};
}

}  // namespace

SequenceHeads::SequenceHeads(std::int64_t dim, const std::vector<std::int64_t>& classes,
                             const HeadOptions& options, Generator& random)
    : dropout_(options.dropout) {
  if (classes.empty()) throw Error("heads of a sequence: at least one number of classes needed");
  for (const std::int64_t count : classes) {
    layers_.push_back(std::make_unique<Linear>(dim, count, linear_options(options), random));
    add_child(fmt::format("{}", layers_.size() - 1), *layers_.back());
  }
}

std::vector<Tensor> SequenceHeads::forward(const Tensor& x, const Run& run) const {
  const Tensor features = dropped(x, dropout_, run);
  std::vector<Tensor> logits;
  logits.reserve(layers_.size());
  for (const auto& layer : layers_) logits.push_back(layer->forward(features));
  return logits;
}

TokenHead::TokenHead(std::int64_t dim, std::int64_t classes, const HeadOptions& options, Generator& random)
    : dropout_(options.dropout), linear_(dim, classes, linear_options(options), random) {
  add_child("linear", linear_);
}

Tensor TokenHead::forward(const Tensor& x, const Run& run) const {
  return linear_.forward(dropped(x, dropout_, run));
}

SpanHead::SpanHead(std::int64_t dim, const HeadOptions& options, Generator& random)
    : dropout_(options.dropout), linear_(dim, 2, linear_options(options), random) {
  add_child("linear", linear_);
}

SpanHead::Logits SpanHead::forward(const Tensor& x, const Tensor& lengths, const Run& run) const {
  if (x.rank() != 3) throw Error(fmt::format("spans in x {}: [batch, length, dim] needed", x.text()));
  const std::int64_t batch = x.dim(0), length = x.dim(1);
  const auto both = op::split(linear_.forward(dropped(x, dropout_, run)), 2, {1, 1});
  const Tensor never = Tensor::full({}, -std::numeric_limits<double>::infinity(), x.dtype());
  const Tensor real = lengths.defined() ? real_tokens(lengths, batch, length) : Tensor();
  const auto masked = [&](const Tensor& part) {
    const Tensor scores = op::reshape(part, {batch, length});
    return real.defined() ? op::where(real, scores, never) : scores;
  };
  return {masked(both[0]), masked(both[1])};
}

MaskedTokenHead::MaskedTokenHead(std::int64_t dim, NormKind norm, const NormOptions& norm_options,
                                 const HeadOptions& options, Generator& random)
    : dense_(dim, dim, linear_options(options), random), norm_(make_norm(norm, dim, norm_options)) {
  add_child("dense", dense_);
  add_child("norm", *norm_);
}

Tensor MaskedTokenHead::transformed(const Tensor& x) const {
  return norm_->forward(op::activate(dense_.forward(x), Activation::gelu));
}

Tensor MaskedTokenHead::logits(const Tensor& x, const Tensor& embeddings) const {
  return op::linear(transformed(x), embeddings);
}

Tensor MaskedTokenHead::loss(const Tensor& x, const Tensor& targets, const Tensor& embeddings,
                             std::int64_t ignored) const {
  if (x.rank() != 3 || targets.rank() != 2 || targets.dim(0) != x.dim(0) || targets.dim(1) != x.dim(1))
    throw Error(fmt::format("targets {} for x {}: [batch, length] and [batch, length, dim] needed",
                            targets.text(), x.text()));
  std::vector<std::int64_t> places, wanted;
  const std::vector<std::int64_t> all = targets.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == ignored) continue;
    places.push_back(static_cast<std::int64_t>(i));
    wanted.push_back(all[i]);
  }
  // Without a target, one row stands in: its loss counts nothing, but keeps the result on the tape.
  if (places.empty()) {
    places.push_back(0);
    wanted.push_back(ignored);
  }
  const Shape count = {static_cast<std::int64_t>(places.size())};
  const Tensor rows = op::reshape(x, {x.dim(0) * x.dim(1), x.dim(2)});
  const Tensor hidden = op::embedding(rows, Tensor::from(places, count));
  return op::linear_cross_entropy(transformed(hidden), embeddings, Tensor::from(wanted, count),
                                  {.ignore_index = ignored});
}

}  // namespace attend::nn

#include "attend/attention/fuse.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/attention/attend.h"
#include "attend/attention/hops.h"
#include "attention/steps.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Fuse;
using Settings = attention::Run;
using autograd::Tensors;
using test::random_tensor;

const std::vector<Fuse> kFusions = {{.kind = Fuse::Kind::concatenate},
                                    {.kind = Fuse::Kind::mean},
                                    {.kind = Fuse::Kind::pool},
                                    {.kind = Fuse::Kind::concatenate, .gate = true},
                                    {.kind = Fuse::Kind::mean, .gate = true},
                                    {.kind = Fuse::Kind::pool, .gate = true}};

// x: answer [2, 5, 3, 4], pool logits [3], gate [2, 5, 3].
Tensor fused(const Tensors& x, const Fuse& fuse) {
  AttentionSpec spec;
  spec.fuse = fuse;
  Settings run;
  run.parameters.pool_logits = x[1];
  run.parameters.gate = x[2];
  return attention::heads_fused(x[0], spec, run);
}

Tensors inputs_of(const Fuse& fuse) {
  Tensors x = {random_tensor({2, 5, 3, 4}, DType::f64, 1), random_tensor({3}, DType::f64, 2, -2, 2),
               random_tensor({2, 5, 3}, DType::f64, 3, 0, 1)};
  if (fuse.kind != Fuse::Kind::pool) x[1] = {};
  if (!fuse.gate) x[2] = {};
  return x;
}

Tensors defined_of(const Tensors& all) {
  Tensors some;
  for (const Tensor& x : all)
    if (x.defined()) some.push_back(x);
  return some;
}

Tensor fused_some(const Tensors& some, const Fuse& fuse) {
  Tensors all = {some[0], {}, {}};
  std::size_t next = 1;
  if (fuse.kind == Fuse::Kind::pool) all[1] = some[next++];
  if (fuse.gate) all[2] = some[next];
  return fused(all, fuse);
}

TEST(Fuse, IsItsDefinition) {
  for (const Fuse& fuse : kFusions) {
    const Tensors x = inputs_of(fuse);
    const bool apart = fuse.kind == Fuse::Kind::concatenate;
    const Tensor expected = Tensor::zeros({2, 5, apart ? 3 : 1, 4}, DType::f64);
    double total = 0;
    for (std::int64_t h = 0; h < 3; ++h)
      if (x[1].defined()) total += std::exp(x[1].data<double>()[h]);
    for (std::int64_t row = 0; row < 10; ++row)
      for (std::int64_t h = 0; h < 3; ++h)
        for (std::int64_t c = 0; c < 4; ++c) {
          double term = x[0].data<double>()[(row * 3 + h) * 4 + c];
          if (fuse.gate) term *= x[2].data<double>()[row * 3 + h];
          if (fuse.kind == Fuse::Kind::mean) term /= 3;
          if (fuse.kind == Fuse::Kind::pool) term *= std::exp(x[1].data<double>()[h]) / total;
          expected.data<double>()[(apart ? row * 3 + h : row) * 4 + c] += term;
        }
    EXPECT_TRUE(test::close(fused(x, fuse), expected, 1e-14, 1e-15))
        << static_cast<int>(fuse.kind) << fuse.gate;
  }
}

TEST(Fuse, GradientsAreDerivativesAndEveryPrecisionFollows) {
  for (const Fuse& fuse : kFusions) {
    const auto function = [&](const Tensors& some) { return Tensors{fused_some(some, fuse)}; };
    if (fuse.kind != Fuse::Kind::concatenate || fuse.gate) {
      EXPECT_TRUE(test::gradients_match(function, defined_of(inputs_of(fuse))));
    }
    const Tensors x = inputs_of(fuse);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      const Tensor y =
          fused({backend::cast(x[0], dtype), x[1].defined() ? backend::cast(x[1], DType::f32) : x[1],
                 x[2].defined() ? backend::cast(x[2], dtype) : x[2]},
                fuse);
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_TRUE(test::close(y, fused(x, fuse), dtype == DType::f32 ? 1e-5 : 2e-2,
                              dtype == DType::f32 ? 1e-6 : 1e-2));
    }
  }
}

TEST(Fuse, NamesWhatDoesNotFit) {
  const Tensor answer = Tensor::zeros({2, 5, 3, 4});
  EXPECT_ERROR(fused({answer, {}, {}}, {.kind = Fuse::Kind::pool}),
               "the parameter pool_logits [3] is missing");
  EXPECT_ERROR(fused({answer, {}, {}}, {.gate = true}), "the parameter gate [2, 5, 3] is missing");
  EXPECT_ERROR(fused({answer, Tensor::zeros({2}), {}}, {.kind = Fuse::Kind::pool}), "pool_logits is f32 [2]");
  EXPECT_ERROR(fused({answer, {}, Tensor::zeros({2, 3, 5})}, {.gate = true}), "gate is f32 [2, 3, 5]");
}

struct LayersSeen : attention::Observer {
  std::vector<std::int64_t> layers;
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t layer, const Tensor&) override { layers.push_back(layer); }
};

TEST(Hops, EachRoundAsksWithWhatTheLastHasFound) {
  const Tensor query = random_tensor({2, 3, 2, 4}, DType::f64, 1),
               key = random_tensor({2, 7, 2, 4}, DType::f64, 2),
               value = random_tensor({2, 7, 2, 4}, DType::f64, 3);
  Tensor expected = query.clone();
  for (int n = 0; n < 3; ++n) {
    const Tensor found = attention::attend_composite(expected.clone(), key, value, {});
    for (std::int64_t i = 0; i < expected.elements(); ++i)
      expected.data<double>()[i] += found.data<double>()[i];
  }
  LayersSeen seen;
  EXPECT_TRUE(test::close(attention::attend_hops(query, key, value, {}, 3, {.observer = &seen, .layer = 10}),
                          expected, 1e-12, 1e-12));
  EXPECT_EQ(seen.layers, (std::vector<std::int64_t>{10, 11, 12}));
  EXPECT_TRUE(test::gradients_match(
      [](const Tensors& x) { return Tensors{attention::attend_hops(x[0], x[1], x[2], {}, 3)}; },
      {query, key, value}));
}

TEST(Hops, RoundsDropDifferentWeights) {
  // With no query and no key all weights are equal, so each round adds the kept share of values of one.
  const Tensor zeros = Tensor::zeros({1, 4, 1, 8}), ones = Tensor::full({1, 64, 1, 8}, 1);
  AttentionSpec spec;
  spec.weigh.dropout = 0.5;
  const Settings run = {.training = true, .random = {1, 2}};
  const Tensor one = attention::attend_hops(zeros, Tensor::zeros({1, 64, 1, 8}), ones, spec, 1, run),
               two = attention::attend_hops(zeros, Tensor::zeros({1, 64, 1, 8}), ones, spec, 2, run);
  bool differs = false;
  for (std::int64_t i = 0; i < one.elements(); ++i)
    differs = differs || std::abs(two.data<float>()[i] - 2 * one.data<float>()[i]) > 1e-3;
  EXPECT_TRUE(differs);
}

TEST(Hops, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({1, 2, 2, 4});
  EXPECT_ERROR(attention::attend_hops(x, x, x, {}, 0), "0 hops: at least 1 needed");
  EXPECT_ERROR(attention::attend_hops(x, x, Tensor::zeros({1, 2, 2, 3}), {}, 2), "with one d");
  AttentionSpec spec;
  spec.fuse.kind = Fuse::Kind::mean;
  EXPECT_ERROR(attention::attend_hops(x, x, x, spec, 2), "the heads must stay apart");
}

}  // namespace
}  // namespace attend

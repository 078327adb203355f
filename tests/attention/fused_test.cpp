// The fused kernels against the definition: outputs and all gradients, over awkward sizes, for every mask and
// everything that changes a score.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "attend/attention/attend.h"
#include "attend/attention/score_function.h"
#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/base/random.h"
#include "attention/lower.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/random_tensor.h"
#include "support/sanitized.h"

namespace attend {
namespace {

using attention::Place;
using attention::Weigh;
using autograd::Tensors;
using test::random_tensor;

struct Sizes {
  std::int64_t batch, queries, keys, heads, key_heads, dim, value_dim;
};

struct Mechanism {
  std::string name;
  std::function<void(AttentionSpec&, attention::Run&, const Sizes&)> set;
};

Tensor documents_of(std::int64_t batch, std::int64_t length, std::int64_t each) {
  std::vector<std::int32_t> ids;
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t i = 0; i < length; ++i) ids.push_back(static_cast<std::int32_t>((i + b) / each));
  return Tensor::from(ids, {batch, length});
}

const auto kSquash = attention::score_function(
    [](auto s, const attention::ScoreIndex& i) {
      return s / (1 + s * s) +
             static_cast<decltype(s)>(0.01) * static_cast<decltype(s)>(i.head + i.query - i.key);
    },
    [](auto s) { return (1 - s * s) / ((1 + s * s) * (1 + s * s)); });

// With the parameters that the spec learns, moved away from where papers start them.
void learn(const AttentionSpec& spec, attention::Run& run, const Sizes& z) {
  Generator random(17);
  run.parameters = attention::initial_parameters(
      spec, {.heads = z.heads, .dim = z.dim, .value_dim = z.value_dim, .hidden = 20, .keys = z.keys}, random);
  attention::for_each(run.parameters, [&](const std::string& name, Tensor& parameter) {
    const double scale = name == "span" ? 20 : 0.3;
    parameter = backend::cast(parameter, DType::f64).clone();
    const Tensor noise = random_tensor(parameter.shape(), DType::f64, random.next().stream + 50);
    for (std::int64_t i = 0; i < parameter.elements(); ++i)
      parameter.data<double>()[i] += scale * std::abs(noise.data<double>()[i]);
  });
}

std::vector<Mechanism> mechanisms() {
  const auto causal = [](AttentionSpec& spec) { spec.place.mask = Place::Mask::causal; };
  return {
      {"window", [](auto& s, auto&, auto&) { s.place.window = 5; }},
      {"causal window", [=](auto& s, auto&, auto&) { causal(s), s.place.window = 70; }},
      {"prefix", [=](auto& s, auto&, auto&) { causal(s), s.place.prefix = 7; }},
      {"lengths",
       [](auto&, auto& run, const Sizes& z) {
         std::vector<std::int32_t> lengths;
         for (std::int64_t b = 0; b < z.batch; ++b)
           lengths.push_back(static_cast<std::int32_t>(b == 0 ? (z.keys + 1) / 2 : 0));
         run.key_lengths = Tensor::from(lengths, {z.batch});
       }},
      {"causal documents",
       [=](auto& s, auto& run, const Sizes& z) {
         causal(s);
         run.documents = documents_of(z.batch, z.queries, 9);
         run.key_documents = documents_of(z.batch, z.keys, 9);
       }},
      {"dilated", [](auto& s, auto&, auto&) { s.place.window = 6, s.place.dilation = 3; }},
      {"longformer", [](auto& s, auto&, auto&) { s.place.window = 4, s.place.global_tokens = 3; }},
      {"big bird", [=](auto& s, auto&, auto&) { causal(s), s.place.block = 16, s.place.seed = 4; }},
      {"big bird of odd blocks, documents",
       [](auto& s, auto& run, const Sizes& z) {
         s.place.block = 10;
         run.documents = documents_of(z.batch, z.queries, 40);
         run.key_documents = documents_of(z.batch, z.keys, 40);
       }},
      {"own mask",
       [](auto& s, auto&, auto&) {
         s.place.function = std::make_shared<attention::MaskFunction>(
             attention::MaskFunction{[](std::int64_t i, std::int64_t j) { return (i * 7 + j * 3) % 5 < 2; }});
       }},
      {"sigmoid",
       [=](auto& s, auto&, auto&) {
         causal(s), s.weigh.kind = Weigh::Kind::sigmoid, s.weigh.sigmoid_bias = -0.5;
       }},
      {"temperature", [](auto& s, auto&, auto&) { s.weigh.temperature = 0.7, s.score.soft_cap = 3; }},
      {"sink",
       [=](auto& s, auto& run, const Sizes& z) {
         causal(s), s.weigh.sink = true, s.weigh.temperature = 1.3;
         run.parameters.sink_logits = random_tensor({z.heads}, DType::f64, 41);
       }},
      {"bilinear",
       [=](auto& s, auto& run, const Sizes& z) {
         s.score.kind = attention::Score::Kind::bilinear;
         learn(s, run, z);
       }},
      {"cosine",
       [=](auto& s, auto& run, const Sizes& z) {
         s.score.kind = attention::Score::Kind::cosine, causal(s);
         learn(s, run, z);
       }},
      {"euclidean",
       [=](auto& s, auto& run, const Sizes& z) {
         s.score.kind = attention::Score::Kind::euclidean, causal(s);
         learn(s, run, z);
       }},
      {"pearson",
       [=](auto& s, auto& run, const Sizes& z) {
         s.score.kind = attention::Score::Kind::pearson;
         learn(s, run, z);
       }},
      {"additive",
       [=](auto& s, auto& run, const Sizes& z) {
         s.score.kind = attention::Score::Kind::additive;
         learn(s, run, z);
       }},
      {"additive, capped, causal in a window, with a sink",
       [=](auto& s, auto& run, const Sizes& z) {
         causal(s), s.place.window = 70, s.score.kind = attention::Score::Kind::additive;
         s.score.soft_cap = 2, s.weigh.sink = true, s.weigh.temperature = 1.2;
         learn(s, run, z);
       }},
      {"additive, sigmoid in odd blocks",
       [=](auto& s, auto& run, const Sizes& z) {
         s.place.block = 10, s.score.kind = attention::Score::Kind::additive;
         s.weigh.kind = Weigh::Kind::sigmoid, s.weigh.sigmoid_bias = -0.5;
         learn(s, run, z);
       }},
      {"additive, one unit beyond exponentials",
       [=](auto& s, auto& run, const Sizes& z) {
         causal(s), s.score.kind = attention::Score::Kind::additive;
         learn(s, run, z);
         const std::int64_t d = run.parameters.query_weight.dim(2);
         run.parameters.vector.template data<double>()[0] *= 0.05;
         for (std::int64_t i = 0; i < d; ++i) run.parameters.query_weight.template data<double>()[i] *= 100;
       }},
      {"alibi",
       [=](auto& s, auto& run, const Sizes& z) {
         s.place.positions = Place::Positions::alibi, causal(s);
         learn(s, run, z);
       }},
      {"learned alibi",
       [=](auto& s, auto& run, const Sizes& z) {
         s.place.positions = Place::Positions::alibi_learned;
         learn(s, run, z);
       }},
      {"buckets",
       [=](auto& s, auto& run, const Sizes& z) {
         s.place.positions = Place::Positions::buckets, s.place.bucket_distance = 60, causal(s);
         learn(s, run, z);
       }},
      {"span",
       [=](auto& s, auto& run, const Sizes& z) {
         s.place.positions = Place::Positions::span, causal(s);
         learn(s, run, z);
       }},
      {"euclidean with buckets",
       [=](auto& s, auto& run, const Sizes& z) {
         s.score.kind = attention::Score::Kind::euclidean, s.place.positions = Place::Positions::buckets;
         learn(s, run, z);
       }},
      {"soft cap", [=](auto& s, auto&, auto&) { causal(s), s.score.soft_cap = 1.5; }},
      {"own score", [](auto& s, auto&, auto&) { s.score.function = kSquash; }},
      {"own score, capped and causal",
       [=](auto& s, auto&, auto&) { causal(s), s.score.function = kSquash, s.score.soft_cap = 2; }},
  };
}

Tensors outputs_of(const Mechanism& mechanism, const Sizes& z, DType dtype, double dropout,
                   decltype(attention::attend)& function) {
  AttentionSpec spec;
  spec.weigh.dropout = dropout;
  attention::Run run = {.training = true, .random = {5, 9}};
  mechanism.set(spec, run, z);
  EXPECT_TRUE(attention::is_fused(spec)) << mechanism.name;
  Tensors leaves;
  std::uint64_t seed = 21;
  for (const Shape& shape :
       {Shape{z.batch, z.queries, z.heads, z.dim}, Shape{z.batch, z.keys, z.key_heads, z.dim},
        Shape{z.batch, z.keys, z.key_heads, z.value_dim}}) {
    leaves.push_back(backend::cast(random_tensor(shape, DType::f64, seed++), dtype).clone());
    autograd::set_requires_grad(leaves.back());
  }
  attention::for_each(run.parameters, [&](const std::string&, Tensor& parameter) {
    parameter = backend::cast(parameter, dtype == DType::f64 ? DType::f64 : DType::f32).clone();
    autograd::set_requires_grad(parameter);
    leaves.push_back(parameter);
  });
  const Tensor y = function(leaves[0], leaves[1], leaves[2], spec, run);
  autograd::backward(y, backend::cast(random_tensor(y.shape(), DType::f64, 31), y.dtype()));
  Tensors results = {y};
  for (const Tensor& leaf : leaves) results.push_back(autograd::grad(leaf));
  return results;
}

const std::vector<Sizes> kSizes = {{1, 1, 1, 1, 1, 8, 8},       {1, 2, 63, 1, 1, 8, 16},
                                   {2, 64, 64, 4, 2, 64, 64},   {2, 65, 65, 2, 2, 40, 40},
                                   {2, 127, 127, 2, 1, 80, 24}, {1, 150, 400, 1, 1, 16, 8},
                                   {1, 300, 300, 1, 1, 128, 8}};

void expect_composite(const Mechanism& mechanism, const Sizes& z, double dropout) {
  const Tensors exact = outputs_of(mechanism, z, DType::f64, dropout, attention::attend_composite);
  for (const auto& [dtype, tolerance] :
       {std::pair{DType::f64, 1e-11}, {DType::f32, 3e-5}, {DType::bf16, 8e-2}}) {
    const Tensors got = outputs_of(mechanism, z, dtype, dropout, attention::attend);
    for (std::size_t i = 0; i < got.size(); ++i) {
      // The gradient of a parameter is a sum over all places, in which roundings of bf16 add up; that of a
      // slope weighs them by distances, which are large and cancel where queries are far behind the keys.
      const double far = static_cast<double>(std::max<std::int64_t>(1, (z.queries - z.keys) / 32)),
                   bound = i <= 3 ? tolerance : tolerance * std::max(dtype == DType::bf16 ? 4.0 : 1.0, far);
      EXPECT_TRUE(test::close(got[i], exact[i], bound, bound))
          << mechanism.name << ", " << name_of(dtype) << ", result " << i << ", queries " << z.queries
          << ", keys " << z.keys << ", d " << z.dim << ", dropout " << dropout;
    }
  }
}

TEST(Fused, OutputAndGradientsEqualTheComposite) {
  bool odd = false;
  for (const Mechanism& mechanism : mechanisms())
    for (const Sizes& z : kSizes) {
      odd = !odd;
      // Sanitizers, which make this the longest of all tests, see every size of a mechanism once.
      if (!test::kSanitized || odd) expect_composite(mechanism, z, 0);
      if (!test::kSanitized || !odd) expect_composite(mechanism, z, 0.1);
    }
}

// With this many heads and queries, blocks of queries are larger.
TEST(Fused, LargeBlocksEqualTheComposite) {
  int checked = 0;
  for (const Mechanism& mechanism : mechanisms())
    if (mechanism.name == "learned alibi" || mechanism.name == "own score") {
      expect_composite(mechanism, {2, 130, 130, 8, 4, 16, 8}, 0.1);
      ++checked;
    }
  EXPECT_EQ(checked, 2);
}

// The backward pass takes 1,024 queries at a time: keys in one slice and in several.
TEST(Fused, ManyQueriesEqualTheComposite) {
  int number = 0;
  for (const Mechanism& mechanism : mechanisms()) {
    if (test::kSanitized && number++ % 6 != 0) continue;
    expect_composite(mechanism, {1, 1057, 70, 2, 1, 8, 8}, 0.1);
    expect_composite(mechanism, {1, 1057, 1057, 1, 1, 16, 8}, 0.1);
  }
}

TEST(Fused, GivesTheSameBitsForAnyNumberOfThreads) {
  const int before = threads();
  for (const Mechanism& mechanism : mechanisms()) {
    const Sizes z = {1, 300, 300, 1, 1, 16, 16};
    set_threads(1);
    const Tensors one = outputs_of(mechanism, z, DType::f32, 0.1, attention::attend);
    set_threads(3);
    const Tensors three = outputs_of(mechanism, z, DType::f32, 0.1, attention::attend);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(test::same_bits(one[i], three[i])) << mechanism.name << i;
  }
  set_threads(before);
}

}  // namespace
}  // namespace attend

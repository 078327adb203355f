#include "attend/nn/multi_head_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "attend/autograd/tape.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Fuse;
using attention::Place;
using attention::Score;
using attention::Weigh;
using autograd::Tensors;
using nn::MultiHeadAttention;
using test::random_tensor;

struct Mechanism {
  const char* name;
  AttentionSpec spec;
  /// Names and shapes of what is learned beside the projections, for 4 heads of 3 features.
  std::map<std::string, Shape> learned;
};

std::vector<Mechanism> mechanisms() {
  std::vector<Mechanism> all = {{"plain", {}, {}}};
  const auto add = [&](const char* name, const std::map<std::string, Shape>& learned, const auto& change) {
    all.push_back({name, {}, learned});
    change(all.back().spec);
  };
  add("bilinear", {{"bilinear", {4, 3, 3}}}, [](AttentionSpec& s) { s.score.kind = Score::Kind::bilinear; });
  add("cosine", {{"temperature", {4}}}, [](AttentionSpec& s) { s.score.kind = Score::Kind::cosine; });
  add("slopes", {{"slopes", {4}}},
      [](AttentionSpec& s) { s.place.positions = Place::Positions::alibi_learned; });
  add("shaw", {{"relative_keys", {33, 3}}, {"relative_values", {33, 3}}},
      [](AttentionSpec& s) { s.place.positions = Place::Positions::shaw; });
  add("sink", {{"sink_logits", {4}}}, [](AttentionSpec& s) { s.weigh.sink = true; });
  add("talking", {{"mix_scores", {4, 4}}, {"mix_weights", {4, 4}}},
      [](AttentionSpec& s) { s.weigh.talking_heads = true; });
  add("entmax", {}, [](AttentionSpec& s) { s.weigh.kind = Weigh::Kind::entmax15; });
  add("mean", {}, [](AttentionSpec& s) { s.fuse.kind = Fuse::Kind::mean; });
  add("pool", {{"pool_logits", {4}}}, [](AttentionSpec& s) { s.fuse.kind = Fuse::Kind::pool; });
  add("gate", {{"gate.weight", {4, 12}}, {"gate.bias", {4}}}, [](AttentionSpec& s) { s.fuse.gate = true; });
  add("pool and gate", {{"pool_logits", {4}}, {"gate.weight", {4, 12}}, {"gate.bias", {4}}},
      [](AttentionSpec& s) { s.fuse = {.kind = Fuse::Kind::pool, .gate = true}; });
  for (Mechanism& mechanism : all) mechanism.spec.place.mask = Place::Mask::causal;
  return all;
}

/// Random numbers for all parameters, positive ones for temperatures and slopes.
void fill(MultiHeadAttention& layer) {
  layer.cast_parameters(DType::f64);
  std::uint64_t seed = 1;
  for (const auto& [name, tensor, decay, trainable] : layer.parameters()) {
    const bool positive = name == "temperature" || name == "slopes";
    tensor.copy_from(random_tensor(tensor.shape(), DType::f64, ++seed, positive ? 0.5 : -0.7, 0.9));
  }
}

TEST(MultiHeadAttention, LearnsWhatTheMechanismLearns) {
  for (const auto& [name, spec, learned] : mechanisms())
    for (const std::int64_t key_heads : {4, 2}) {
      SCOPED_TRACE(name);
      Generator random(1);
      MultiHeadAttention layer(12, {.heads = 4, .key_heads = key_heads, .attention = spec}, random);
      std::map<std::string, Shape> expected = learned;
      const bool one_answer = spec.fuse.kind != Fuse::Kind::concatenate;
      expected["qkv.weight"] = {3 * (4 + 2 * key_heads), 12};
      expected["qkv.bias"] = {3 * (4 + 2 * key_heads)};
      expected["output.weight"] = {12, one_answer ? 3 : 12};
      expected["output.bias"] = {12};
      std::map<std::string, Shape> found;
      for (const auto& parameter : layer.parameters()) {
        found[parameter.name] = parameter.tensor.shape();
        EXPECT_EQ(parameter.decay, parameter.tensor.rank() > 1) << parameter.name;
      }
      EXPECT_EQ(found.size(), expected.size());
      for (const auto& [key, shape] : expected) EXPECT_TRUE(found[key] == shape) << key;

      if (key_heads == 4) continue;
      fill(layer);
      Tensors inputs = {random_tensor({1, 3, 12}, DType::f64, 50)};
      for (const auto& parameter : layer.parameters())
        if (learned.contains(parameter.name)) inputs.push_back(parameter.tensor);
      EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return Tensors{layer.forward(x[0])}; },
                                        inputs, {.relative = 1e-5, .absolute = 1e-6}));
    }
}

TEST(MultiHeadAttention, DecodesWithEachMechanism) {
  for (const auto& [name, spec, learned] : mechanisms()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(attention::can_decode(spec));
    Generator random(1);
    MultiHeadAttention layer(12, {.heads = 4, .key_heads = 2, .attention = spec}, random);
    fill(layer);
    const Tensor x = random_tensor({2, 11, 12}, DType::f64, 60);
    const Tensor all = layer.forward(x).detach();
    attention::KeyValueCache cache = layer.make_cache(2, 11, DType::f64);
    std::int64_t begin = 0;
    for (const std::int64_t end : {6, 7, 9, 11}) {
      const Tensor part = op::slice(x, 1, begin, end);
      EXPECT_TRUE(test::close(layer.forward(part, cache), op::slice(all, 1, begin, end), 1e-10, 1e-10))
          << begin << " to " << end;
      begin = end;
    }
  }
}

TEST(MultiHeadAttention, ClosedGatesLetNothingThrough) {
  AttentionSpec spec;
  spec.fuse.gate = true;
  Generator random(1);
  MultiHeadAttention layer(8, {.heads = 2, .attention = spec, .initialisation_std = 0.5}, random);
  const Tensor x = random_tensor({1, 3, 8}, DType::f32, 5);
  std::map<std::string, Tensor> by_name;
  for (const auto& parameter : layer.parameters()) by_name[parameter.name] = parameter.tensor;
  by_name.at("gate.weight").copy_from(Tensor::zeros({2, 8}));
  by_name.at("gate.bias").copy_from(Tensor::full({2}, -100));
  EXPECT_TRUE(test::close(layer.forward(x), Tensor::zeros({1, 3, 8}), 0, 1e-12));
  by_name.at("gate.bias").copy_from(Tensor::full({2}, 100));
  Generator again(1);
  spec.fuse.gate = false;
  MultiHeadAttention open(8, {.heads = 2, .attention = spec, .initialisation_std = 0.5}, again);
  EXPECT_TRUE(test::close(layer.forward(x), open.forward(x), 1e-6, 1e-7));
}

TEST(MultiHeadAttention, TellsWhichMechanismsDecode) {
  AttentionSpec spec;
  EXPECT_FALSE(attention::can_decode(spec));
  spec.place.mask = Place::Mask::causal;
  EXPECT_TRUE(attention::can_decode(spec));
  AttentionSpec other = spec;
  other.place.prefix = 3;
  EXPECT_FALSE(attention::can_decode(other));
  other = spec;
  other.place.block = 16;
  EXPECT_TRUE(attention::can_decode(other));
  other = spec;
  other.gather.kind = attention::Gather::Kind::linformer;
  EXPECT_FALSE(attention::can_decode(other));
}

struct WeightsSeen : attention::Observer {
  std::vector<Tensor> seen;
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t, const Tensor& weights) override { seen.push_back(weights); }
};

TEST(MultiHeadAttention, ShowsTheSameWeightsWhileDecoding) {
  for (const auto& [name, spec, learned] : mechanisms()) {
    SCOPED_TRACE(name);
    Generator random(1);
    MultiHeadAttention layer(12, {.heads = 4, .attention = spec}, random);
    fill(layer);
    const Tensor x = random_tensor({1, 5, 12}, DType::f64, 60);
    WeightsSeen all, last;
    layer.forward(x, {.observer = &all});
    attention::KeyValueCache cache = layer.make_cache(1, 5, DType::f64);
    layer.forward(op::slice(x, 1, 0, 4), cache);
    layer.forward(op::slice(x, 1, 4, 5), cache, {.observer = &last});
    ASSERT_EQ(all.seen.size(), 1u);
    ASSERT_EQ(last.seen.size(), 1u);
    EXPECT_TRUE(test::close(last.seen[0], op::slice(all.seen[0], 2, 4, 5), 1e-10, 1e-12));
  }
}

}  // namespace
}  // namespace attend

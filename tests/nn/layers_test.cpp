#include <gtest/gtest.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/nn/embedding.h"
#include "attend/nn/transformer_block.h"
#include "attend/op/arithmetic.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

/// Casts to f64 and moves every parameter away from its start (zeros, ones), so that each one shows. Returns
/// x and all parameters, for a gradient check of forward(inputs[0]).
Tensors prepare(nn::Module& module, const Shape& x_shape) {
  module.cast_parameters(DType::f64);
  Tensors inputs = {random_tensor(x_shape, DType::f64, 99)};
  std::uint64_t seed = 100;
  for (const auto& parameter : module.parameters()) {
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), DType::f64, ++seed, -0.9, 0.9));
    inputs.push_back(parameter.tensor);
  }
  return inputs;
}

TEST(FeedForward, GradientsMatchFiniteDifferencesForEveryActivation) {
  for (const auto activation :
       {nn::HiddenActivation::gelu_tanh, nn::HiddenActivation::gelu, nn::HiddenActivation::relu,
        nn::HiddenActivation::silu, nn::HiddenActivation::swiglu, nn::HiddenActivation::geglu,
        nn::HiddenActivation::reglu}) {
    Generator random(1);
    nn::FeedForward layer(4, {.inner = 3, .activation = activation}, random);
    EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return Tensors{layer.forward(x[0])}; },
                                      prepare(layer, {2, 3, 4}), {.relative = 1e-5, .absolute = 1e-6}))
        << static_cast<int>(activation);
  }
}

TEST(FeedForward, InnerWidthFollowsTheRule) {
  EXPECT_EQ(nn::feed_forward_inner(384, 0, nn::HiddenActivation::gelu), 1536);
  EXPECT_EQ(nn::feed_forward_inner(384, 0, nn::HiddenActivation::swiglu), 1024);
  EXPECT_EQ(nn::feed_forward_inner(128, 0, nn::HiddenActivation::reglu), 384);
  EXPECT_EQ(nn::feed_forward_inner(128, 77, nn::HiddenActivation::reglu), 77);
  Generator random(1);
  const nn::FeedForward layer(6, {.activation = nn::HiddenActivation::swiglu, .bias = false}, random);
  EXPECT_EQ(layer.parameter_count(), 3 * 6 * 64);
}

TEST(Norm, ResidualFormIsTheSumAndTheNormOfIt) {
  for (const auto kind : {nn::NormKind::layer, nn::NormKind::rms}) {
    const auto norm = nn::make_norm(kind, 5);
    prepare(*norm, {1});
    const Tensor a = random_tensor({2, 3, 5}, DType::f64, 1), b = random_tensor({2, 3, 5}, DType::f64, 2);
    Tensor sum = a.clone();
    for (std::int64_t i = 0; i < sum.elements(); ++i) sum.data<double>()[i] += b.data<double>()[i];
    nn::Residual stream{a, b};
    const Tensor normed = norm->forward(stream);
    EXPECT_TRUE(test::same_bits(stream.sum, sum));
    EXPECT_FALSE(stream.branch.defined());
    EXPECT_TRUE(test::close(normed, norm->forward(sum), 1e-12, 1e-12));
    EXPECT_TRUE(test::close(norm->forward(stream), normed, 1e-12, 1e-12));
  }
  EXPECT_ERROR(nn::LayerNorm(0), "0 features");
}

TEST(Embedding, GivesRowsInTheComputeDtype) {
  Generator random(3);
  nn::Embedding embedding(4, 3, {}, random);
  const Tensor tokens = Tensor::from(std::vector<std::int32_t>{2, 0, 2}, {1, 3});
  const Tensor single = embedding.forward(tokens), half = embedding.forward(tokens, DType::bf16);
  EXPECT_EQ(half.dtype(), DType::bf16);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(single.data<float>()[i], embedding.weight().data<float>()[6 + i]);
    EXPECT_EQ(static_cast<float>(half.data<BFloat16>()[3 + i]),
              static_cast<float>(BFloat16(embedding.weight().data<float>()[i])));
  }
  embedding.cast_parameters(DType::bf16);
  EXPECT_EQ(embedding.forward(tokens).dtype(), DType::bf16);
  EXPECT_THROW(embedding.forward(Tensor::from(std::vector<std::int32_t>{4}, {1, 1})), Error);
  EXPECT_ERROR(nn::Embedding(0, 3, {}, random), "0 tokens with 3 features");
}

TEST(Positions, SinusoidsAreSinesAndCosinesOfTheAngles) {
  const Tensor table = nn::sinusoidal_positions(7, 4);
  for (int t = 0; t < 7; ++t) {
    const double* row = table.data<double>() + 4 * t;
    EXPECT_NEAR(row[0], std::sin(t), 1e-15);
    EXPECT_NEAR(row[1], std::cos(t), 1e-15);
    EXPECT_NEAR(row[2], std::sin(t / 100.0), 1e-15);
    EXPECT_NEAR(row[3], std::cos(t / 100.0), 1e-15);
  }
  EXPECT_ERROR(nn::sinusoidal_positions(7, 3), "even");
}

struct AttentionCase {
  std::int64_t heads, key_heads;
  bool rotary;
};
const AttentionCase kAttentionCases[] = {{2, 0, false}, {2, 2, true}, {2, 1, false}, {4, 2, true}};

nn::MultiHeadAttentionOptions attention_options(const AttentionCase& c, std::int64_t dim) {
  nn::MultiHeadAttentionOptions options{.heads = c.heads, .key_heads = c.key_heads};
  options.attention.place.mask = attention::Place::Mask::causal;
  if (c.rotary) options.rotary = std::make_shared<nn::Rotary>(16, dim / c.heads);
  return options;
}

TEST(MultiHeadAttention, GradientsMatchFiniteDifferences) {
  for (const auto& c : kAttentionCases) {
    Generator random(1);
    nn::MultiHeadAttention layer(8, attention_options(c, 8), random);
    EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return Tensors{layer.forward(x[0])}; },
                                      prepare(layer, {2, 3, 8}), {.relative = 1e-5, .absolute = 1e-6}))
        << c.heads << " heads, " << c.key_heads << " key heads, rotary " << c.rotary;
  }
}

TEST(MultiHeadAttention, CachedTokensSeeWhatTheWholeSequenceSees) {
  for (const auto& c : kAttentionCases) {
    Generator random(1);
    const nn::MultiHeadAttention layer(16, attention_options(c, 16), random);
    const Tensor x = random_tensor({2, 6, 16}, DType::f32, 5);
    const Tensor whole = layer.forward(x);
    auto cache = layer.make_cache(2, 6, DType::f32);
    std::int64_t done = 0;
    for (const std::int64_t count : {3, 1, 2}) {
      const auto part = [&](const Tensor& t) {
        return t.view_as({2, count, 16}, t.strides(), done * 16).clone();
      };
      EXPECT_TRUE(test::close(layer.forward(part(x), cache), part(whole), 1e-4, 1e-6))
          << c.heads << " " << c.rotary;
      done += count;
    }
    EXPECT_THROW(layer.forward(random_tensor({2, 1, 16}, DType::f32, 6), cache), Error);
  }
}

TEST(MultiHeadAttention, NamesWhatDoesNotFit) {
  Generator random(1);
  EXPECT_ERROR(nn::MultiHeadAttention(10, {.heads = 3}, random), "heads 3 do not divide dim 10");
  EXPECT_ERROR(nn::MultiHeadAttention(12, {.heads = 6, .key_heads = 4}, random),
               "key_heads 4 do not divide heads 6");
  const nn::MultiHeadAttention layer(4, {.heads = 2}, random);
  EXPECT_ERROR(layer.forward(Tensor::zeros({2, 4})), "[batch, length, 4] needed");
  EXPECT_ERROR(layer.forward(Tensor::zeros({1, 2, 5})), "[1, 2, 5]");
}

nn::TransformerBlockOptions block_options(nn::NormKind norm, double dropout, bool post_norm = false) {
  nn::TransformerBlockOptions options;
  options.attention = attention_options({2, 0, false}, 4);
  options.attention.attention.weigh.dropout = dropout;
  options.feed_forward.inner = 3;
  options.norm = norm;
  options.post_norm = post_norm;
  options.dropout = dropout;
  return options;
}

Tensors parts_of(const nn::Residual& x) {
  return x.branch.defined() ? Tensors{x.sum, x.branch} : Tensors{x.sum};
}

TEST(TransformerBlock, GradientsMatchFiniteDifferencesAlsoWithDropoutAndRecomputed) {
  struct Case {
    nn::NormKind norm;
    bool post_norm, recomputed, branch;
  };
  std::vector<Case> cases;
  for (const auto norm : {nn::NormKind::layer, nn::NormKind::rms})
    for (const int bits : {0, 1, 2, 3, 4, 5, 6, 7})
      cases.push_back({norm, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0});
  for (const Case& c : cases) {
    Generator random(1), dropout(2);
    nn::TransformerBlock block(4, block_options(c.norm, 0.3, c.post_norm), random);
    Tensors inputs = prepare(block, {2, 3, 4});
    if (c.branch) inputs.push_back(random_tensor({2, 3, 4}, DType::f64, 7));
    const Tensor lengths = Tensor::from(std::vector<std::int32_t>{3, 2}, {2});
    const auto call = block.call({.training = true, .random = &dropout, .key_lengths = lengths}, 0);
    const auto f = [&](const Tensors& x) {
      const nn::Residual in{x[0], c.branch ? x.back() : Tensor()};
      return parts_of(c.recomputed ? block.forward_recomputed(in, call) : block.forward(in, call));
    };
    EXPECT_TRUE(test::gradients_match(f, inputs, {.relative = 1e-5, .absolute = 1e-6}))
        << "post-norm " << c.post_norm << ", recomputed " << c.recomputed << ", branch " << c.branch;
  }
}

TEST(TransformerBlock, PostNormNormalisesTheStreamAfterEachBranch) {
  for (const auto norm : {nn::NormKind::layer, nn::NormKind::rms}) {
    Generator random(1), again(1);
    const auto options = block_options(norm, 0, true);
    nn::TransformerBlock block(4, options, random);
    nn::MultiHeadAttention attention(4, options.attention, again);
    nn::FeedForward feed_forward(4, options.feed_forward, again);
    const auto first = nn::make_norm(norm, 4), second = nn::make_norm(norm, 4);
    const Tensor x = random_tensor({2, 3, 4}, DType::f32, 5);
    const nn::Residual out = block.forward({x, {}}, block.call({}, 0));
    EXPECT_FALSE(out.branch.defined());
    const Tensor middle = first->forward(op::add(x, attention.forward(x)));
    const Tensor expected = second->forward(op::add(middle, feed_forward.forward(middle)));
    EXPECT_TRUE(test::close(out.sum, expected, 1e-5, 1e-5));
    auto cache = block.make_cache(2, 3, DType::f32);
    EXPECT_TRUE(test::close(block.forward({x, {}}, cache, block.call({}, 0)).sum, expected, 1e-5, 1e-5));
  }
}

TEST(TransformerBlock, PaddingChangesNoBitOfWhatIsReal) {
  Generator random(1);
  auto options = block_options(nn::NormKind::layer, 0);
  options.attention.attention = {};
  const nn::TransformerBlock block(4, options, random);
  const Tensor x = random_tensor({2, 5, 4}, DType::f32, 5), other = x.clone();
  for (std::int64_t i = (5 + 2) * 4; i < 2 * 5 * 4; ++i) other.data<float>()[i] = 100;
  const nn::Run run{.key_lengths = Tensor::from(std::vector<std::int32_t>{5, 2}, {2})};
  const auto out = [&](const Tensor& given, const nn::Run& settings) {
    const nn::Residual y = block.forward({given, {}}, block.call(settings, 0));
    return op::add(y.sum, y.branch).to_vector<float>();
  };
  const auto a = out(x, run), b = out(other, run);
  for (std::size_t i = 0; i < (5 + 2) * 4; ++i) EXPECT_EQ(a[i], b[i]) << i;
  EXPECT_NE(a, out(x, {}));
}

TEST(TransformerBlock, DropoutNeedsAGeneratorAndOnlyInTraining) {
  Generator random(1);
  const nn::TransformerBlock block(4, block_options(nn::NormKind::layer, 0.3), random);
  EXPECT_ERROR(block.call({.training = true}, 0), "random generator");
  const Tensor x = random_tensor({1, 3, 4}, DType::f32, 1);
  Generator dropout(2);
  const auto out = [&](const nn::Run& run) { return block.forward({x, {}}, block.call(run, 0)).sum; };
  EXPECT_TRUE(test::same_bits(out({}), out({.random = &dropout})));
  EXPECT_EQ(dropout.position(), 0u);
  const Tensor first = out({.training = true, .random = &dropout}),
               second = out({.training = true, .random = &dropout});
  EXPECT_FALSE(test::same_bits(first, second));
}

}  // namespace
}  // namespace attend

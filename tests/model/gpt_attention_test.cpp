// The GPT with each attention mechanism that has a causal form.

#include <gtest/gtest.h>

#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/model/gpt.h"
#include "attend/model/weights.h"
#include "model/gpt_fields.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/temporary_folder.h"

namespace attend {
namespace {

using model::Gpt;
using model::GptConfig;

constexpr std::int64_t kLength = 24;

GptConfig config_of(const std::string& mechanism) {
  return {.vocabulary = 7, .context = kLength, .layers = 2, .heads = 2, .dim = 16, .attention = mechanism};
}

// Rows of one pattern of seven tokens, each from another place on; `shift` places later for the targets.
Tensor pattern(std::int64_t rows, std::int64_t shift) {
  const std::int32_t tokens[] = {3, 1, 4, 1, 5, 2, 6};
  const Tensor out = Tensor::empty({rows, kLength}, DType::i32);
  for (std::int64_t b = 0; b < rows; ++b)
    for (std::int64_t t = 0; t < kLength; ++t)
      out.data<std::int32_t>()[b * kLength + t] = tokens[(3 * b + t + shift) % 7];
  return out;
}

// Each parameter by one size against the sign of its gradient, as the first update of AdamW does.
void descend(const Gpt& gpt) {
  for (const auto& [name, tensor, decay, trainable] : gpt.parameters()) {
    const auto slope = autograd::grad(tensor).to_vector<float>();
    for (std::size_t i = 0; i < slope.size(); ++i)
      tensor.data<float>()[i] -= slope[i] > 0 ? 0.005F : slope[i] < 0 ? -0.005F : 0;
    autograd::clear_grad(tensor);
  }
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const attention::Mechanism& mechanism : attention::mechanisms())
    if (model::is_causal_mechanism(mechanism)) result.emplace_back(mechanism.name);
  return result;
}

class GptAttention : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Mechanisms, GptAttention, ::testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST_P(GptAttention, LearnsSavesAndLoads) {
  GptConfig config = config_of(GetParam());
  config.dropout = 0.05;
  Gpt gpt(config, 1);
  Generator random(2);
  const auto loss = [&](bool training) {
    nn::Run run;
    run.training = training;
    run.random = &random;
    return gpt.loss(pattern(4, 0), pattern(4, 1), run);
  };
  const auto evaluate = [&] {
    const autograd::NoGrad no_grad;
    return loss(false).item();
  };
  const double before = evaluate();
  EXPECT_NEAR(before, std::log(7.0), 0.2);
  for (int step = 0; step < 20; ++step) {
    autograd::backward(loss(true));
    for (const auto& [name, tensor, decay, trainable] : gpt.parameters()) {
      const Tensor slope = autograd::grad(tensor);
      ASSERT_TRUE(slope.defined()) << name;
      for (const double x : slope.to_vector<double>()) ASSERT_TRUE(std::isfinite(x)) << name;
    }
    descend(gpt);
  }
  const double after = evaluate();
  EXPECT_LT(after, 0.9 * before);

  const test::TemporaryFolder folder;
  model::save_parameters(gpt, folder / "model.safetensors", {});
  Gpt loaded(config, 9);
  model::load_parameters(loaded, folder / "model.safetensors");
  const autograd::NoGrad no_grad;
  EXPECT_TRUE(test::same_bits(loaded.logits(pattern(2, 3)), gpt.logits(pattern(2, 3))));
  loaded.cast_parameters(DType::bf16);
  for (const double x : loaded.logits(pattern(2, 3)).to_vector<double>()) ASSERT_TRUE(std::isfinite(x));
}

TEST_P(GptAttention, SeesNoTokenThatFollows) {
  Gpt gpt(config_of(GetParam()), 1);
  gpt.cast_parameters(DType::f64);
  const Tensor tokens = pattern(2, 0), other = tokens.clone();
  const std::int64_t first = 15;
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t t = first; t < kLength; ++t)
      other.data<std::int32_t>()[b * kLength + t] = static_cast<std::int32_t>((b + t * t) % 7);
  const autograd::NoGrad no_grad;
  const Tensor x = gpt.logits(tokens), y = gpt.logits(other);
  const auto until = [](const Tensor& t, std::int64_t length) {
    return t.view_as({2, length, 7}, t.strides());
  };
  EXPECT_TRUE(test::close(until(y, first), until(x, first), 1e-9, 1e-9));
  EXPECT_FALSE(test::close(until(y, first + 1), until(x, first + 1), 1e-9, 1e-9));
}

TEST_P(GptAttention, DecodesOverACache) {
  GptConfig config = config_of(GetParam());
  config.initialisation_std = 0.3;
  Gpt gpt(config, 1);
  gpt.cast_parameters(DType::f64);
  const Tensor tokens = test::random_integers({2, kLength}, 7, 3);
  const autograd::NoGrad no_grad;
  const Tensor all = gpt.logits(tokens);
  const auto part = [&](std::int64_t begin, std::int64_t end) {
    return tokens.view_as({2, end - begin}, tokens.strides(), begin).clone();
  };
  model::GptCache cache = gpt.make_cache(2);
  const std::int64_t ends[] = {9, 10, 11, 18, 19, 24};
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    const Tensor next = gpt.next_logits(part(begin, end), cache);
    const Tensor expected = all.view_as({2, 7}, {kLength * 7, 1}, (end - 1) * 7);
    EXPECT_TRUE(test::close(next, expected, 1e-8, 1e-8)) << "after " << end << " tokens";
    begin = end;
  }
}

TEST_P(GptAttention, RecomputedBlocksGiveTheSameBits) {
  GptConfig config = config_of(GetParam());
  config.dropout = 0.1;
  const auto gradients = [&](bool recompute) {
    const Gpt gpt(config, 1);
    Generator random(2);
    nn::Run run;
    run.training = true;
    run.random = &random;
    run.recompute_blocks = recompute;
    autograd::backward(gpt.loss(pattern(2, 0), pattern(2, 1), run));
    std::vector<Tensor> result;
    for (const auto& parameter : gpt.parameters()) result.push_back(autograd::grad(parameter.tensor));
    return result;
  };
  const auto plain = gradients(false), again = gradients(true);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(test::same_bits(again[i], plain[i])) << i;
}

TEST(GptAttentionNames, AreChecked) {
  GptConfig config = config_of("bahdanow");
  EXPECT_ERROR(Gpt(config, 1), "unknown attention 'bahdanow'; did you mean bahdanau?");
  EXPECT_ERROR(model::validate(config_of("linformer")), "attention linformer lets a token see");
  EXPECT_ERROR(model::validate(config_of("prefix")), "attention prefix lets a token see those that follow");
  EXPECT_NO_THROW(model::validate(config_of("bahdanau")));
  EXPECT_ERROR(model::gpt_config_from_json(R"({"attention": 3})"), "attention 3: one of \"scaled_dot\"");
  EXPECT_EQ(model::gpt_config_from_json("{}").attention, "scaled_dot");
  // The plain mechanism is the one that models had before there was a choice.
  EXPECT_EQ(Gpt(config_of("scaled_dot"), 1).parameter_count(),
            7 * 16 + 24 * 16 + 2 * (4 * 16 * 16 + 4 * 16) + 2 * (8 * 16 * 16 + 5 * 16) + 5 * 32);
}

TEST(GptAttentionReinforce, ChangesTheGradientAndNotTheLoss) {
  const auto loss_of = [](bool training) {
    const Gpt gpt(config_of("reinforce"), 1);
    Generator random(3);
    nn::Run run;
    run.training = training;
    run.random = &random;
    const Tensor loss = gpt.loss(pattern(4, 0), pattern(4, 1), run);
    autograd::backward(loss);
    double norm = 0;
    for (const auto& parameter : gpt.parameters())
      if (parameter.name == "blocks.1.attention.qkv.weight") {
        // The rows of queries and keys, which reach the loss through the draws alone.
        const auto slope = autograd::grad(parameter.tensor).to_vector<double>();
        for (std::size_t i = 0; i < 2 * 16 * 16; ++i) norm += slope[i] * slope[i];
      }
    return std::pair{loss.item(), norm};
  };
  const auto [loss, norm] = loss_of(true);
  EXPECT_GT(norm, 0);
  EXPECT_NEAR(loss, std::log(7.0), 0.2);
}

}  // namespace
}  // namespace attend

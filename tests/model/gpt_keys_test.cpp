// Every key of the configuration reaches the model.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "attend/model/gpt.h"
#include "model/gpt_fields.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using model::Gpt;
using model::GptConfig;
using model::Positions;
using nn::HiddenActivation;

const GptConfig kBase{.vocabulary = 11,
                      .context = 8,
                      .layers = 2,
                      .heads = 2,
                      .dim = 8,
                      .feed_forward = 12,
                      .tied_embeddings = false};

/// Numbers that depend on the name and the shape alone, so that two models share the parameters that both
/// have.
void fill_by_name(Gpt& gpt) {
  gpt.cast_parameters(DType::f64);
  for (const auto& [name, tensor, decay, trainable] : gpt.parameters()) {
    std::uint64_t seed = 1;
    for (const char c : name) seed = seed * 131 + static_cast<unsigned char>(c);
    tensor.copy_from(test::random_tensor(tensor.shape(), DType::f64, seed, -0.8, 0.8));
  }
}

Tensor named(const Gpt& gpt, const std::string& name) {
  for (const auto& parameter : gpt.parameters())
    if (parameter.name == name) return parameter.tensor;
  ADD_FAILURE() << "no parameter " << name;
  return Tensor();
}

Tensor tokens() {
  return test::random_integers({2, 8}, 11, 5);
}

Tensor logits_of(const GptConfig& config) {
  Gpt gpt(config, 1);
  fill_by_name(gpt);
  return gpt.logits(tokens());
}

/// Passes when the two differ by more than rounding.
::testing::AssertionResult differ(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return ::testing::AssertionSuccess();
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::abs(x[i] - y[i]) > 1e-6) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "the same logits";
}

struct Change {
  const char* key;
  std::function<void(GptConfig&)> to;
  std::function<void(GptConfig&)> before = [](GptConfig&) {};
};

const std::vector<Change>& changes() {
  static const std::vector<Change> all = {
      {"vocabulary", [](GptConfig& c) { c.vocabulary = 12; }},
      {"layers", [](GptConfig& c) { c.layers = 1; }},
      {"heads", [](GptConfig& c) { c.heads = 4; }},
      {"key_heads", [](GptConfig& c) { c.key_heads = 1; }},
      {"dim", [](GptConfig& c) { c.dim = 16; }},
      {"feed_forward", [](GptConfig& c) { c.feed_forward = 16; }},
      // Without biases the two norms have the same parameters.
      {"norm", [](GptConfig& c) { c.norm = nn::NormKind::rms; }, [](GptConfig& c) { c.bias = false; }},
      {"norm_epsilon", [](GptConfig& c) { c.norm_epsilon = 1e-2; }},
      {"positions", [](GptConfig& c) { c.positions = Positions::sinusoidal; }},
      {"rotary_base", [](GptConfig& c) { c.rotary_base = 100; },
       [](GptConfig& c) { c.positions = Positions::rotary; }},
      {"attention", [](GptConfig& c) { c.attention = "alibi"; }},
      {"activation", [](GptConfig& c) { c.activation = HiddenActivation::gelu; }},
      {"tied_embeddings", [](GptConfig& c) { c.tied_embeddings = true; }},
      {"bias", [](GptConfig& c) { c.bias = false; }},
  };
  return all;
}

TEST(GptKeys, EachChangesTheLogits) {
  EXPECT_FALSE(differ(logits_of(kBase), logits_of(kBase)));
  for (const auto& [key, to, before] : changes()) {
    GptConfig config = kBase;
    before(config);
    const Tensor plain = logits_of(config);
    to(config);
    EXPECT_TRUE(differ(logits_of(config), plain)) << key;
  }
}

TEST(GptKeys, AllAreTested) {
  // Those that do not show in the logits of inference have tests of their own below.
  std::set<std::string> tested = {"context", "dropout", "initialisation_std"};
  for (const auto& change : changes()) tested.insert(change.key);
  std::set<std::string> known;
  GptConfig config;
  model::for_each_field(config, [&](const char* key, const auto&, const auto&) { known.insert(key); });
  EXPECT_EQ(tested, known);
}

TEST(GptKeys, ChoicesDifferFromEachOther) {
  std::vector<std::pair<std::string, Tensor>> seen;
  const auto add = [&](const std::string& name, const GptConfig& config) {
    const Tensor logits = logits_of(config);
    for (const auto& [other, others] : seen) EXPECT_TRUE(differ(logits, others)) << name << " and " << other;
    seen.emplace_back(name, logits);
  };
  for (const auto& [activation, name] : model::kActivationNames.names) {
    GptConfig config = kBase;
    config.activation = activation;
    add(name, config);
  }
  seen.clear();
  for (const auto& [positions, name] : model::kPositionNames.names) {
    GptConfig config = kBase;
    config.positions = positions;
    add(name, config);
  }
}

TEST(GptKeys, ContextIsTheMostTokensForEveryKindOfPositions) {
  for (const auto& [positions, name] : model::kPositionNames.names) {
    GptConfig config = kBase;
    config.positions = positions;
    config.context = 7;
    EXPECT_ERROR(Gpt(config).logits(tokens()), "8 tokens are more than the model's context of 7");
    config.context = 8;
    EXPECT_EQ(Gpt(config).logits(tokens()).dim(1), 8) << name;
  }
}

TEST(GptKeys, InitialisationStdScalesTheStart) {
  GptConfig config = kBase;
  config.initialisation_std = 0.02;
  const Gpt small(config, 3);
  config.initialisation_std = 0.06;
  const Gpt large(config, 3);
  const auto before = small.parameters(), after = large.parameters();
  for (std::size_t i = 0; i < before.size(); ++i) {
    Tensor expected = before[i].tensor.clone();
    if (before[i].decay)
      for (std::int64_t j = 0; j < expected.elements(); ++j) expected.data<float>()[j] *= 3;
    EXPECT_TRUE(test::close(after[i].tensor, expected, 1e-6, 0)) << before[i].name;
  }
}

// Which norm sees small numbers, of the size of epsilon's root, depends on the gain of the branch before it.
TEST(GptKeys, EpsilonReachesEachNorm) {
  struct Gains {
    const char* norm;
    double attention, feed_forward;
  };
  for (const auto kind : {nn::NormKind::layer, nn::NormKind::rms})
    for (const auto& [norm, attention, feed_forward] :
         {Gains{"attention_norm", 1e6, 1e6}, {"feed_forward_norm", 0, 1e6}, {"norm", 0, 0}}) {
      GptConfig config = kBase;
      config.layers = 1;
      config.norm = kind;
      const auto logits = [&, attention = attention, feed_forward = feed_forward](double epsilon) {
        config.norm_epsilon = epsilon;
        Gpt gpt(config);
        fill_by_name(gpt);
        const auto scale = [&](const std::string& name, double by) {
          const Tensor tensor = named(gpt, name);
          for (std::int64_t i = 0; i < tensor.elements(); ++i) tensor.data<double>()[i] *= by;
        };
        scale("token_embedding.weight", 1e-3);
        scale("position_embedding.weight", 1e-3);
        for (const char* part : {"weight", "bias"}) {
          scale(std::string("blocks.0.attention.output.") + part, attention);
          scale(std::string("blocks.0.feed_forward.output.") + part, feed_forward);
        }
        return gpt.logits(tokens());
      };
      EXPECT_TRUE(differ(logits(1e-6), logits(3e-6))) << norm;
    }
}

// A model whose logits are the normed residual stream itself: what is dropped from the stream is 0 in them.
class Transparent {
 public:
  Transparent() : gpt_(config()) {
    gpt_.cast_parameters(DType::f64);
    for (const auto& parameter : gpt_.parameters()) fill(parameter.name, 0);
    for (const char* norm : {"norm", "blocks.0.attention_norm", "blocks.0.feed_forward_norm"}) {
      fill(std::string(norm) + ".weight", 1);
      fill(std::string(norm) + ".bias", 0);
    }
    identity("output_embedding.weight", 0);
  }
  static GptConfig config() {
    return {.vocabulary = 16,
            .context = 64,
            .layers = 1,
            .heads = 2,
            .dim = 16,
            .norm = nn::NormKind::layer,
            .positions = Positions::rotary,
            .tied_embeddings = false,
            .dropout = 0.25};
  }
  void fill(const std::string& name, double value) const {
    const Tensor tensor = named(gpt_, name);
    std::fill_n(tensor.data<double>(), tensor.elements(), value);
  }
  /// Ones where row = column + first_row.
  void identity(const std::string& name, std::int64_t first_row) const {
    const Tensor tensor = named(gpt_, name);
    for (std::int64_t i = 0; i < tensor.dim(1); ++i)
      tensor.data<double>()[(first_row + i) * tensor.dim(1) + i] = 1;
  }
  /// Logits of 4 x 64 tokens in training.
  std::vector<double> logits() const {
    Generator random(17);
    return gpt_.logits(Tensor::zeros({4, 64}, DType::i32), {.training = true, .random = &random})
        .to_vector<double>();
  }

 private:
  Gpt gpt_;
};

/// Passes when every row has two values, the lower one for a share of about 1/4: that of the dropped features
/// of a stream whose features are equal.
::testing::AssertionResult quarter_dropped(const std::vector<double>& logits) {
  double dropped = 0;
  for (std::size_t row = 0; row < logits.size(); row += 16) {
    const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row);
    const auto [low, high] = std::minmax_element(begin, begin + 16);
    if (!(*high - *low > 1e-3)) continue;  // nothing or everything dropped: rare
    for (std::size_t i = 0; i < 16; ++i) {
      const double x = logits[row + i];
      if (std::abs(x - *low) < 1e-9)
        dropped += 1;
      else if (!(std::abs(x - *high) < 1e-9))
        return ::testing::AssertionFailure() << "a third value in row " << row / 16;
    }
  }
  // The standard error is 0.007.
  const double share = dropped / static_cast<double>(logits.size());
  if (!(std::abs(share - 0.25) < 0.035)) return ::testing::AssertionFailure() << "share dropped: " << share;
  return ::testing::AssertionSuccess();
}

TEST(GptKeys, DropoutActsOnTheEmbeddingAndOnBothBranches) {
  {
    const Transparent embedding;
    embedding.fill("token_embedding.weight", 1);
    EXPECT_TRUE(quarter_dropped(embedding.logits())) << "embedding";
  }
  {
    const Transparent attention;
    attention.fill("blocks.0.attention.output.bias", 1);
    EXPECT_TRUE(quarter_dropped(attention.logits())) << "attention branch";
  }
  {
    const Transparent feed_forward;
    feed_forward.fill("blocks.0.feed_forward.output.bias", 1);
    EXPECT_TRUE(quarter_dropped(feed_forward.logits())) << "feed-forward branch";
  }
}

TEST(GptKeys, EachSiteOfDropoutDrawsNumbersOfItsOwn) {
  // A feature is a sum of 1, 2 and 4, each dropped or not: eight values, and at most four if two sites drop
  // the same features.
  const Transparent all;
  all.fill("token_embedding.weight", 1);
  all.fill("blocks.0.attention.output.bias", 2);
  all.fill("blocks.0.feed_forward.output.bias", 4);
  const auto logits = all.logits();
  std::size_t most = 0;
  for (std::size_t row = 0; row < logits.size(); row += 16) {
    std::set<std::int64_t> values;
    for (std::size_t i = 0; i < 16; ++i) values.insert(std::llround(logits[row + i] * 1e6));
    most = std::max(most, values.size());
  }
  EXPECT_GT(most, 4U);
}

TEST(GptKeys, DropoutActsOnTheAttentionWeights) {
  // All values are 1, and so is an answer of which no weight is dropped. The two heads lose different
  // weights: the features of a row that the branch's own dropout left have two values.
  const Transparent weights;
  const std::string attention = "blocks.0.attention.";
  weights.fill(attention + "qkv.bias", 1);
  weights.identity(attention + "output.weight", 0);
  const auto logits = weights.logits();
  int rows = 0;
  for (std::size_t row = 0; row < logits.size(); row += 16) {
    const auto head = [&](std::size_t first) {
      return *std::max_element(logits.begin() + static_cast<std::ptrdiff_t>(row + first),
                               logits.begin() + static_cast<std::ptrdiff_t>(row + first + 8));
    };
    rows += std::abs(head(0) - head(8)) > 1e-6;
  }
  EXPECT_GT(rows, 150);  // of 256; in most of the others both heads lost equally many
}

}  // namespace
}  // namespace attend

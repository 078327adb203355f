#include "attend/model/seq2seq.h"

#include <gtest/gtest.h>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/shape.h"
#include "model/seq2seq_fields.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::Positions;
using model::Seq2Seq;
using model::Seq2SeqConfig;

constexpr Positions kPositions[] = {Positions::learned, Positions::sinusoidal, Positions::rotary};

const Seq2SeqConfig kSmall{.source_vocabulary = 31,
                           .target_vocabulary = 29,
                           .context = 12,
                           .encoder_layers = 2,
                           .decoder_layers = 2,
                           .heads = 4,
                           .dim = 32,
                           .feed_forward = 48,
                           .dropout = 0.2};

Tensor lengths_of(const std::vector<std::int32_t>& lengths) {
  return Tensor::from(lengths, {static_cast<std::int64_t>(lengths.size())});
}

Tensor tokens_of(const std::vector<std::int32_t>& tokens) {
  return Tensor::from(tokens, {static_cast<std::int64_t>(tokens.size()), 1});
}

/// Larger numbers than those of a real start, so that attention is far from even and every parameter matters.
void stir(const Seq2Seq& model, double size) {
  std::uint64_t seed = 50;
  for (const auto& parameter : model.parameters())
    parameter.tensor.copy_from(
        test::random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), ++seed, -size, size));
}

void check_gradients(const Seq2SeqConfig& config) {
  Seq2Seq model(config, 1);
  model.cast_parameters(DType::f64);
  stir(model, 0.8);
  const Tensor source = test::random_integers({2, 3}, config.source_vocabulary, 3),
               target = test::random_integers({2, 2}, config.target_vocabulary, 4),
               targets = test::random_integers({2, 2}, config.target_vocabulary, 5);
  Tensors inputs;
  for (const auto& parameter : model.parameters()) inputs.push_back(parameter.tensor);
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors&) {
        return Tensors{model.loss(source, lengths_of({3, 2}), target, targets, {}, {.label_smoothing = 0.1})};
      },
      inputs, {.relative = 1e-5, .absolute = 1e-6}))
      << to_json(config);
}

TEST(Seq2Seq, GradientsMatchFiniteDifferences) {
  for (const bool post_norm : {false, true})
    for (const auto positions : kPositions)
      check_gradients({.source_vocabulary = 4,
                       .target_vocabulary = 4,
                       .shared_vocabulary = post_norm,
                       .tied_embeddings = positions != Positions::rotary,
                       .context = 3,
                       .encoder_layers = 1,
                       .decoder_layers = 1,
                       .heads = 2,
                       .dim = 4,
                       .feed_forward = 3,
                       .post_norm = post_norm,
                       .positions = positions,
                       .activation = nn::HiddenActivation::gelu});
}

TEST(Seq2Seq, PaddingAndOtherRowsChangeNoBit) {
  const Seq2Seq model(kSmall, 1);
  const Tensor source = test::random_integers({3, 8}, 31, 3), target = test::random_integers({3, 6}, 29, 4);
  const Tensor lengths = lengths_of({8, 5, 2}), other = source.clone();
  for (const std::int64_t i : {8 + 5, 8 + 7, 16 + 2, 16 + 4}) other.data<std::int32_t>()[i] = 30;
  EXPECT_FALSE(test::same_bits(source, other));
  for (const auto compute : {DType::f32, DType::bf16}) {
    const nn::Run run{.compute = compute};
    const Tensor logits = model.logits(model.encode(source, lengths, run), target, run).detach();
    EXPECT_TRUE(
        test::same_bits(model.logits(model.encode(other, lengths, run), target, run).detach(), logits));
    EXPECT_FALSE(test::same_bits(model.logits(model.encode(source, {}, run), target, run).detach(), logits));
  }
  // Alone, without its padding, a row gives the same up to the order of sums.
  const Tensor logits = model.logits(model.encode(source, lengths), target).detach();
  const Tensor row = op::contiguous(op::slice(op::slice(source, 0, 1, 2), 1, 0, 5)),
               its_target = op::contiguous(op::slice(target, 0, 1, 2));
  EXPECT_TRUE(test::close(model.logits(model.encode(row), its_target).detach(),
                          op::contiguous(op::slice(logits, 0, 1, 2)), 1e-5, 1e-5));
}

TEST(Seq2Seq, NoTokenOfTheTargetSeesThoseThatFollow) {
  const Seq2Seq model(kSmall, 1);
  const auto memory = model.encode(test::random_integers({1, 8}, 31, 3));
  const Tensor target = test::random_integers({1, 6}, 29, 4), other = target.clone();
  other.data<std::int32_t>()[4] = (target.data<std::int32_t>()[4] + 1) % 29;
  const Tensor a = model.logits(memory, target).detach(), b = model.logits(memory, other).detach();
  EXPECT_TRUE(test::same_bits(op::slice(a, 1, 0, 4), op::slice(b, 1, 0, 4)));
  EXPECT_FALSE(test::same_bits(op::slice(a, 1, 4, 5), op::slice(b, 1, 4, 5)));
}

TEST(Seq2Seq, NextLogitsEqualTheWholeForward) {
  struct Precision {
    DType parameters, compute;
    double tolerance;
  };
  // The sums of f32 run in another order; bf16 rounds intermediate results of up to 4 to 8 bits.
  for (const auto& [parameters, compute, tolerance] :
       {Precision{DType::f64, DType::f64, 1e-12}, Precision{DType::f32, DType::f32, 2e-5},
        Precision{DType::f32, DType::bf16, 0.06}, Precision{DType::bf16, DType::bf16, 0.06}})
    for (const auto positions : kPositions)
      for (const bool post_norm : {false, true}) {
        Seq2SeqConfig config = kSmall;
        config.positions = positions;
        config.post_norm = post_norm;
        config.key_heads = post_norm ? 2 : 0;
        Seq2Seq model(config, 1);
        model.cast_parameters(parameters);
        const nn::Run run{.compute = compute};
        const auto memory = model.encode(test::random_integers({3, 7}, 31, 3), lengths_of({7, 4, 6}), run);
        const Tensor target = test::random_integers({3, 6}, 29, 4);
        const Tensor whole = model.logits(memory, target, run).detach();
        const auto part = [&](std::int64_t begin, std::int64_t end) {
          return op::contiguous(op::slice(target, 1, begin, end));
        };
        const auto at = [&](std::int64_t place) {
          return op::reshape(op::contiguous(op::slice(whole, 1, place, place + 1)), {3, 29});
        };
        auto cache = model.make_cache(memory, 6);
        EXPECT_TRUE(test::close(model.next_logits(part(0, 2), cache, run), at(1), tolerance, tolerance));
        for (std::int64_t place = 2; place < 6; ++place)
          EXPECT_TRUE(test::close(model.next_logits(part(place, place + 1), cache, run), at(place), tolerance,
                                  tolerance))
              << place;
        cache.truncate(3);
        EXPECT_TRUE(test::close(model.next_logits(part(3, 5), cache, run), at(4), tolerance, tolerance));
      }
}

/// What each row of a cache stands for: its source and its tokens.
struct Rows {
  std::vector<std::int32_t> sources;
  std::vector<std::vector<std::int32_t>> tokens;

  void reorder(const std::vector<std::int32_t>& rows) {
    const Rows before = *this;
    sources.clear();
    tokens.clear();
    for (const std::int32_t row : rows) {
      sources.push_back(before.sources[static_cast<std::size_t>(row)]);
      tokens.push_back(before.tokens[static_cast<std::size_t>(row)]);
    }
  }
};

TEST(Seq2Seq, ReorderedRowsEqualRecomputedOnes) {
  for (const char* cross : {"scaled_dot", "additive", "top_k", "head_mean", "adaptive_heads"}) {
    Seq2SeqConfig config = kSmall;
    config.cross_attention = cross;
    Seq2Seq model(config, 1);
    model.cast_parameters(DType::f64);
    const Tensor source = test::random_integers({3, 7}, 31, 3);
    const std::vector<std::int32_t> lengths = {7, 4, 6};
    const auto memory = model.encode(source, lengths_of(lengths));
    auto cache = model.make_cache(memory, 10);
    Rows rows{.sources = {0, 1, 2}, .tokens = {{}, {}, {}}};
    std::int32_t next = 1;
    const auto step = [&](const std::vector<std::int32_t>& order) {
      cache.reorder(order);
      rows.reorder(order);
      std::vector<std::int32_t> tokens;
      for (auto& row : rows.tokens) {
        row.push_back(next = (next * 7 + 3) % 29);
        tokens.push_back(next);
      }
      EXPECT_EQ((std::vector<std::int32_t>(cache.source_of_row().begin(), cache.source_of_row().end())),
                rows.sources);
      const Tensor scores = model.next_logits(tokens_of(tokens), cache);
      for (std::size_t row = 0; row < rows.tokens.size(); ++row) {
        const std::int64_t s = rows.sources[row], n = static_cast<std::int64_t>(rows.tokens[row].size());
        const auto alone = model.encode(op::contiguous(op::slice(source, 0, s, s + 1)),
                                        lengths_of({lengths[static_cast<std::size_t>(s)]}));
        const Tensor whole = model.logits(alone, Tensor::from(rows.tokens[row], {1, n})).detach();
        const auto place = static_cast<std::int64_t>(row);
        EXPECT_TRUE(test::close(op::contiguous(op::slice(scores, 0, place, place + 1)),
                                op::reshape(op::contiguous(op::slice(whole, 1, n - 1, n)), {1, 29}), 1e-11,
                                1e-11))
            << cross << ", row " << row << " after " << n;
      }
    };
    step({0, 1, 2});
    step({0, 0, 1, 1, 2, 2});  // two hypotheses each
    step({0, 0, 2, 3, 5, 5});  // of the first and the last one survives
    step({1, 0, 3, 2, 4, 5});  // rows change places
    step({0, 1, 4, 5});        // the second source is done
    step({2, 0, 0, 0, 3});     // unequal, and not in order
    step({0, 4});              // the first is done
    EXPECT_ERROR(cache.reorder(std::vector<std::int32_t>{2}), "2 rows has no row 2");
    EXPECT_ERROR(cache.reorder({}), "no rows");
  }
}

struct Recorder : attention::Observer {
  std::vector<std::int64_t> layers;
  std::vector<Tensor> seen;
  std::vector<attention::Statistics> statistics;
  bool wants(std::int64_t layer) override { return layer != 1; }
  void observe(std::int64_t layer, const Tensor& weights) override {
    layers.push_back(layer);
    seen.push_back(weights);
  }
  std::optional<attention::StatisticsOptions> wants_statistics(std::int64_t layer) override {
    if (layer != 5) return std::nullopt;
    return attention::StatisticsOptions{.top = 2};
  }
  void observe_statistics(std::int64_t, const attention::Statistics& given) override {
    statistics.push_back(given);
  }
};

TEST(Seq2Seq, ObserversAreToldLayerByLayerAndRowByRow) {
  const Seq2Seq model(kSmall, 1);
  EXPECT_EQ(kSmall.encoder_layer(1), 1);
  EXPECT_EQ(kSmall.decoder_layer(1), 3);
  EXPECT_EQ(kSmall.cross_layer(1), 5);
  const Tensor source = test::random_integers({2, 7}, 31, 3), lengths = lengths_of({7, 4});
  const Tensor target = test::random_integers({2, 3}, 29, 4);
  Recorder recorder;
  const nn::Run plain, observed{.observer = &recorder};
  const auto memory = model.encode(source, lengths, observed);
  EXPECT_TRUE(test::same_bits(memory.states.detach(), model.encode(source, lengths).states.detach()));
  EXPECT_TRUE(test::same_bits(model.logits(memory, target, observed).detach(),
                              model.logits(memory, target).detach()));
  EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{0, 2, 4, 3, 5}));
  const Tensor cross = recorder.seen.back();
  EXPECT_EQ(cross.shape(), (Shape{2, 4, 3, 7}));
  ASSERT_EQ(recorder.statistics.size(), 1U);
  // The same while decoding, two hypotheses a source: rows 0 and 1 of source 0, 2 and 3 of source 1.
  Tensor results[2];
  for (const bool look : {false, true}) {
    const nn::Run& run = look ? observed : plain;
    auto cache = model.make_cache(memory);
    recorder = {};
    model.next_logits(op::contiguous(op::slice(target, 1, 0, 2)), cache, run);
    cache.reorder(std::vector<std::int32_t>{0, 0, 1, 1});
    const std::int32_t *first = target.data<std::int32_t>(), *second = first + 3;
    results[look] = model.next_logits(tokens_of({first[2], 5, second[2], 6}), cache, run);
  }
  EXPECT_TRUE(test::same_bits(results[0], results[1]));
  EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{2, 4, 3, 5, 2, 4, 3, 5}));
  const Tensor last = recorder.seen.back();
  ASSERT_EQ(last.shape(), (Shape{4, 4, 1, 7}));
  for (std::int64_t s = 0; s < 2; ++s)
    EXPECT_TRUE(test::close(op::contiguous(op::slice(last, 0, 2 * s, 2 * s + 1)),
                            op::contiguous(op::slice(op::slice(cross, 0, s, s + 1), 2, 2, 3)), 1e-4, 1e-6));
  ASSERT_EQ(recorder.statistics.size(), 2U);
  EXPECT_EQ(recorder.statistics[1].mass.shape(), (Shape{4, 4, 7}));
  EXPECT_TRUE(test::close(recorder.statistics[1].mass, op::reshape(last, {4, 4, 7}), 1e-6, 1e-6));
}

/// Loss and all gradients of one training step.
Tensors step(const nn::Run& settings, const Seq2SeqConfig& config) {
  const Seq2Seq model(config, 8);
  Generator random(21);
  nn::Run run = settings;
  run.random = &random;
  const Tensor source = test::random_integers({3, 11}, 31, 3), target = test::random_integers({3, 9}, 29, 4),
               targets = test::random_integers({3, 9}, 29, 5);
  Tensors results = {model.loss(source, lengths_of({11, 4, 9}), target, targets, run)};
  autograd::backward(results[0]);
  for (const auto& parameter : model.parameters()) results.push_back(autograd::grad(parameter.tensor));
  return results;
}

void expect_same(const Tensors& a, const Tensors& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(test::same_bits(a[i], b[i])) << what << ", result " << i;
}

TEST(Seq2Seq, SameBitsForTwoThreadsAndForRecomputedBlocks) {
  const int before = threads();
  for (const bool post_norm : {false, true})
    for (const auto compute : {DType::f32, DType::bf16}) {
      Seq2SeqConfig config = kSmall;
      config.post_norm = post_norm;
      set_threads(1);
      const Tensors one = step({.training = true, .compute = compute}, config);
      set_threads(2);
      expect_same(one, step({.training = true, .compute = compute}, config), "two threads");
      expect_same(one, step({.training = true, .recompute_blocks = true, .compute = compute}, config),
                  "recomputed");
      EXPECT_FALSE(test::same_bits(one[0], step({.compute = compute}, config)[0]));
    }
  set_threads(before);
}

TEST(Seq2Seq, EveryMechanismThatFitsTrainsAndDecodes) {
  const auto try_out = [](const Seq2SeqConfig& config) {
    const Tensors results = step({.training = true}, config);
    for (const Tensor& result : results)
      for (const double value : result.to_vector<double>())
        ASSERT_TRUE(std::isfinite(value)) << to_json(config);
    const Seq2Seq model(config, 1);
    auto cache = model.make_cache(model.encode(test::random_integers({2, 5}, 31, 3), lengths_of({5, 3})));
    cache.reorder(std::vector<std::int32_t>{0, 0, 1});
    for (const double value : model.next_logits(tokens_of({1, 2, 3}), cache).to_vector<double>())
      ASSERT_TRUE(std::isfinite(value)) << to_json(config);
  };
  for (const attention::Mechanism& mechanism : attention::mechanisms()) {
    Seq2SeqConfig config = kSmall;
    config.encoder_layers = config.decoder_layers = 1;
    if (model::fits_encoder(mechanism)) config.encoder_attention = mechanism.name;
    if (model::is_causal_mechanism(mechanism)) config.decoder_attention = mechanism.name;
    if (model::fits_cross_attention(mechanism)) config.cross_attention = mechanism.name;
    try_out(config);
  }
}

TEST(Seq2Seq, LossIsThatOfTheLogitsForSmallAndLargeVocabularies) {
  for (const std::int64_t vocabulary : {29, 5000}) {
    Seq2SeqConfig config = kSmall;
    config.target_vocabulary = vocabulary;
    const Seq2Seq model(config, 1);
    const Tensor source = test::random_integers({2, 5}, 31, 3), target = test::random_integers({2, 4}, 29, 4),
                 targets = test::random_integers({2, 4}, vocabulary, 5);
    targets.data<std::int32_t>()[5] = -1;
    const Tensor expected = op::cross_entropy(model.logits(model.encode(source), target), targets,
                                              {.label_smoothing = 0.1, .ignore_index = -1});
    EXPECT_TRUE(test::close(model.loss(source, {}, target, targets, {}, {.label_smoothing = 0.1}), expected,
                            1e-5, 0));
  }
}

TEST(Seq2Seq, CountsParametersAndFlops) {
  // The base model of the paper: 65 million with its 37,000 shared tokens.
  Seq2SeqConfig config{.source_vocabulary = 10,
                       .target_vocabulary = 10,
                       .shared_vocabulary = true,
                       .context = 4,
                       .encoder_layers = 1,
                       .decoder_layers = 1,
                       .post_norm = true};
  const Seq2Seq model(config);
  const std::int64_t encoder = 4 * 512 * 512 + 2 * 512 * 2048 + 4 * 512 + 2048 + 512 + 4 * 512,
                     decoder = encoder + 4 * 512 * 512 + 4 * 512 + 2 * 512;
  EXPECT_EQ(model.parameter_count(), encoder + decoder + 10 * 512);
  EXPECT_EQ(model.training_flops(3, 2), 6.0 * (3.0 * (4 * 512 * 512 + 2 * 512 * 2048 + 2 * 512 * 512) +
                                               2.0 * (6 * 512 * 512 + 2 * 512 * 2048 + 10 * 512)) +
                                            12.0 * 512 * (3 * 3 + 2 * 2 + 2 * 3));
  config.post_norm = false;
  EXPECT_EQ(Seq2Seq(config).parameter_count(), model.parameter_count() + 4 * 512);
}

TEST(Seq2Seq, NamesWhatDoesNotFit) {
  const Seq2Seq model(kSmall);
  const auto tokens = [](const Shape& shape) { return Tensor::zeros(shape, DType::i32); };
  EXPECT_ERROR(Seq2Seq({.heads = 3, .dim = 4}), "heads 3 do not divide dim 4");
  EXPECT_ERROR(model.encode(tokens({1, 13})), "13 tokens are more than the model's context of 12");
  EXPECT_ERROR(model.encode(tokens({4})), "[batch, length]");
  EXPECT_ERROR(model.encode(tokens({2, 3}), lengths_of({3})), "source_lengths i32 [1]");
  EXPECT_ERROR(model.encode(tokens({2, 3}), lengths_of({3, 0})), "source length 0 of row 1: 1 to 3 needed");
  EXPECT_ERROR(model.encode(tokens({2, 3}), lengths_of({4, 1})), "source length 4 of row 0: 1 to 3 needed");
  EXPECT_THROW(model.encode(Tensor::full({1, 2}, 31, DType::i32)), Error);
  const auto memory = model.encode(tokens({2, 3}));
  EXPECT_ERROR(model.logits(memory, tokens({2, 13})), "13 tokens are more than");
  EXPECT_THROW(model.logits(memory, tokens({3, 2})), Error);
  EXPECT_THROW(model.logits(memory, Tensor::full({2, 2}, 29, DType::i32)), Error);
  EXPECT_ERROR(model.loss(tokens({2, 3}), {}, tokens({2, 2}), tokens({2, 3})),
               "targets i32 [2, 3] for a target i32 [2, 2]");
  EXPECT_ERROR(model.loss(tokens({2, 3}), {}, tokens({3, 2}), tokens({3, 2})), "as many rows needed");
  EXPECT_ERROR(model.encode(tokens({1, 2}), {}, {.compute = DType::i32}), "cannot compute in i32");
  EXPECT_ERROR(model.encode(tokens({1, 2}), {}, {.training = true}), "random generator");
  EXPECT_ERROR(model.make_cache(memory, 13), "13 tokens is more than the model's context of 12");
  auto cache = model.make_cache(memory, 3);
  model.next_logits(tokens({2, 2}), cache);
  EXPECT_ERROR(model.next_logits(tokens({2, 2}), cache),
               "no room for 2 more tokens in a cache that holds 2 of 3");
  EXPECT_ERROR(model.next_logits(tokens({1, 1}), cache), "cache of 2 rows");
  EXPECT_THROW(model.next_logits(Tensor::full({2, 1}, 29, DType::i32), cache), Error);
  EXPECT_EQ(cache.length(), 2);
  Seq2SeqConfig deep = kSmall;
  deep.decoder_layers = 3;
  EXPECT_ERROR(Seq2Seq(deep).next_logits(tokens({2, 1}), cache), "cache of 2 layers for a model of 3");
}

}  // namespace
}  // namespace attend

#include "attend/model/rnn_seq2seq.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/shape.h"
#include "model/rnn_seq2seq_fields.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::RnnDecoder;
using model::RnnSeq2Seq;
using model::RnnSeq2SeqConfig;
using op::RecurrentCell;

constexpr RnnDecoder kDecoders[] = {RnnDecoder::bahdanau, RnnDecoder::luong};

/// Every cell with every decoder, two layers where the cell is an lstm.
std::vector<RnnSeq2SeqConfig> configs() {
  std::vector<RnnSeq2SeqConfig> all;
  for (const auto cell : {RecurrentCell::gru, RecurrentCell::lstm})
    for (const RnnDecoder decoder : kDecoders) {
      const std::int64_t layers = cell == RecurrentCell::lstm ? 2 : 1;
      all.push_back({.source_vocabulary = 31,
                     .target_vocabulary = 29,
                     .context = 12,
                     .cell = cell,
                     .encoder_layers = layers,
                     .decoder_layers = layers,
                     .dim = 10,
                     .hidden = 16,
                     .decoder = decoder,
                     .attention = decoder == RnnDecoder::luong ? "general" : "additive",
                     .heads = 2,
                     .dropout = 0.2});
    }
  return all;
}

Tensor lengths_of(const std::vector<std::int32_t>& lengths) {
  return Tensor::from(lengths, {static_cast<std::int64_t>(lengths.size())});
}

Tensor tokens_of(const std::vector<std::int32_t>& tokens) {
  return Tensor::from(tokens, {static_cast<std::int64_t>(tokens.size()), 1});
}

/// Larger numbers than those of a real start, so that attention is far from even and every parameter matters.
void stir(const RnnSeq2Seq& model, double size) {
  std::uint64_t seed = 50;
  for (const auto& parameter : model.parameters())
    parameter.tensor.copy_from(
        test::random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), ++seed, -size, size));
}

TEST(RnnSeq2Seq, GradientsMatchFiniteDifferences) {
  for (RnnSeq2SeqConfig config : configs()) {
    config.shared_vocabulary = config.cell == RecurrentCell::lstm;
    config.tied_embeddings = config.decoder == RnnDecoder::luong;
    config.source_vocabulary = config.target_vocabulary = 4;
    config.dim = 3;
    config.hidden = 4;
    RnnSeq2Seq model(config, 1);
    model.cast_parameters(DType::f64);
    stir(model, 0.8);
    const Tensor source = test::random_integers({2, 3}, 4, 3), target = test::random_integers({2, 2}, 4, 4),
                 targets = test::random_integers({2, 2}, 4, 5);
    Tensors inputs;
    for (const auto& parameter : model.parameters()) inputs.push_back(parameter.tensor);
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors&) {
          return Tensors{
              model.loss(source, lengths_of({3, 2}), target, targets, {}, {.label_smoothing = 0.1})};
        },
        inputs, {.relative = 1e-5, .absolute = 1e-6}))
        << to_json(config);
  }
}

TEST(RnnSeq2Seq, PaddingChangesNoBitAndNothingSeesWhatFollows) {
  for (const RnnSeq2SeqConfig& config : configs()) {
    const RnnSeq2Seq model(config, 1);
    stir(model, 0.5);
    const Tensor source = test::random_integers({3, 8}, 31, 3), target = test::random_integers({3, 6}, 29, 4);
    const Tensor lengths = lengths_of({8, 5, 2}), other = source.clone(), later = target.clone();
    for (const std::int64_t i : {8 + 5, 8 + 7, 16 + 2, 16 + 4}) other.data<std::int32_t>()[i] = 30;
    later.data<std::int32_t>()[4] = (target.data<std::int32_t>()[4] + 1) % 29;
    for (const auto compute : {DType::f32, DType::bf16}) {
      const nn::Run run{.compute = compute};
      const Tensor logits = model.logits(source, lengths, target, run).detach();
      EXPECT_TRUE(test::same_bits(model.logits(other, lengths, target, run).detach(), logits));
      EXPECT_FALSE(test::same_bits(model.logits(source, {}, target, run).detach(), logits));
      const Tensor changed = model.logits(source, lengths, later, run).detach();
      EXPECT_TRUE(test::same_bits(op::slice(changed, 1, 0, 4), op::slice(logits, 1, 0, 4)));
      EXPECT_FALSE(test::same_bits(op::slice(changed, 1, 4, 5), op::slice(logits, 1, 4, 5)));
    }
    const Tensor logits = model.logits(source, lengths, target, {}).detach();
    const Tensor row = op::contiguous(op::slice(op::slice(source, 0, 1, 2), 1, 0, 5)),
                 its_target = op::contiguous(op::slice(target, 0, 1, 2));
    EXPECT_TRUE(test::close(model.logits(row, {}, its_target, {}).detach(),
                            op::contiguous(op::slice(logits, 0, 1, 2)), 1e-5, 1e-5));
  }
}

TEST(RnnSeq2Seq, WrittenRowsEqualTheWholeForwardInAnyOrder) {
  for (const RnnSeq2SeqConfig& config : configs()) {
    RnnSeq2Seq model(config, 1);
    model.cast_parameters(DType::f64);
    stir(model, 0.5);
    const Tensor source = test::random_integers({3, 7}, 31, 3);
    const std::vector<std::int32_t> lengths = {7, 4, 6};
    const auto writer = model.writer(source, lengths_of(lengths), 10, {});
    std::vector<std::int32_t> sources = {0, 1, 2};
    std::vector<std::vector<std::int32_t>> tokens(3);
    std::int32_t next = 1;
    const auto step = [&](const std::vector<std::int32_t>& order) {
      writer->reorder(order);
      const auto sources_before = sources;
      const auto tokens_before = tokens;
      sources.clear();
      tokens.clear();
      std::vector<std::int32_t> newest;
      for (const std::int32_t row : order) {
        sources.push_back(sources_before[static_cast<std::size_t>(row)]);
        tokens.push_back(tokens_before[static_cast<std::size_t>(row)]);
        tokens.back().push_back(next = (next * 7 + 3) % 29);
        newest.push_back(next);
      }
      const Tensor scores = writer->next_logits(tokens_of(newest), {});
      for (std::size_t row = 0; row < tokens.size(); ++row) {
        const std::int64_t s = sources[row], n = static_cast<std::int64_t>(tokens[row].size());
        const Tensor whole = model
                                 .logits(op::contiguous(op::slice(source, 0, s, s + 1)),
                                         lengths_of({lengths[static_cast<std::size_t>(s)]}),
                                         Tensor::from(tokens[row], {1, n}), {})
                                 .detach();
        const auto place = static_cast<std::int64_t>(row);
        EXPECT_TRUE(test::close(op::contiguous(op::slice(scores, 0, place, place + 1)),
                                op::reshape(op::contiguous(op::slice(whole, 1, n - 1, n)), {1, 29}), 1e-11,
                                1e-11))
            << to_json(config) << ", row " << row << " after " << n;
      }
    };
    step({0, 1, 2});
    step({0, 0, 1, 1, 2, 2});  // two hypotheses each
    step({0, 0, 2, 3, 5, 5});  // of the first and the last one survives
    step({1, 0, 3, 2, 4, 5});  // rows change places
    step({0, 1, 4, 5});        // the second source is done
    step({2, 0, 0, 0, 3});     // unequal, and not in order
    step({0, 4});              // the first is done
    EXPECT_ERROR(writer->reorder(std::vector<std::int32_t>{2}), "2 rows has no row 2");
    EXPECT_ERROR(writer->reorder({}), "no rows");
    EXPECT_ERROR(writer->next_logits(tokens_of({1, 2, 3}), {}), "a writer of 2 rows");
    EXPECT_ERROR(writer->next_logits(test::random_integers({2, 4}, 29, 1), {}), "context of 10");
  }
}

struct Recorder : attention::Observer {
  std::vector<Tensor> seen;
  bool wants(std::int64_t layer) override { return layer == 0; }
  void observe(std::int64_t, const Tensor& weights) override { seen.push_back(weights); }
};

TEST(RnnSeq2Seq, AnObserverIsToldOnceOfAllTokensAndChangesNothing) {
  for (const RnnSeq2SeqConfig& config : configs()) {
    const RnnSeq2Seq model(config, 1);
    stir(model, 0.5);
    const Tensor source = test::random_integers({2, 7}, 31, 3), lengths = lengths_of({7, 4});
    const Tensor target = test::random_integers({2, 3}, 29, 4);
    Recorder recorder;
    const nn::Run observed{.observer = &recorder};
    EXPECT_TRUE(test::same_bits(model.logits(source, lengths, target, observed).detach(),
                                model.logits(source, lengths, target, {}).detach()));
    ASSERT_EQ(recorder.seen.size(), 1U);
    const Tensor whole = recorder.seen[0];
    ASSERT_EQ(whole.shape(), (Shape{2, 2, 3, 7}));
    const auto writer = model.writer(source, lengths, 0, {});
    writer->reorder(std::vector<std::int32_t>{0, 0, 1, 1});
    const std::int32_t* ids = target.data<std::int32_t>();
    for (std::int64_t t = 0; t < 3; ++t) {
      recorder.seen.clear();
      writer->next_logits(tokens_of({ids[t], ids[t], ids[3 + t], ids[3 + t]}), observed);
      ASSERT_EQ(recorder.seen.size(), 1U);
      ASSERT_EQ(recorder.seen[0].shape(), (Shape{4, 2, 1, 7}));
      for (const std::int64_t row : {1, 3})
        EXPECT_TRUE(test::close(
            op::contiguous(op::slice(recorder.seen[0], 0, row, row + 1)),
            op::contiguous(op::slice(op::slice(whole, 0, row / 2, row / 2 + 1), 2, t, t + 1)), 1e-4, 1e-6));
    }
  }
}

/// Loss and all gradients of one training step.
Tensors step(const RnnSeq2SeqConfig& config, DType compute = DType::f32) {
  const RnnSeq2Seq model(config, 8);
  Generator random(21);
  const nn::Run run{.training = true, .random = &random, .compute = compute};
  const Tensor source = test::random_integers({3, 11}, 31, 3), target = test::random_integers({3, 9}, 29, 4),
               targets = test::random_integers({3, 9}, 29, 5);
  Tensors results = {model.loss(source, lengths_of({11, 4, 9}), target, targets, run)};
  autograd::backward(results[0]);
  for (const auto& parameter : model.parameters()) results.push_back(autograd::grad(parameter.tensor));
  return results;
}

TEST(RnnSeq2Seq, SameBitsForTwoThreads) {
  const int before = threads();
  for (const RnnSeq2SeqConfig& config : configs())
    for (const auto compute : {DType::f32, DType::bf16}) {
      set_threads(1);
      const Tensors one = step(config, compute);
      set_threads(2);
      const Tensors two = step(config, compute);
      for (std::size_t i = 0; i < one.size(); ++i)
        EXPECT_TRUE(test::same_bits(one[i], two[i])) << to_json(config) << ", result " << i;
    }
  set_threads(before);
}

TEST(RnnSeq2Seq, EveryMechanismThatFitsTrainsAndWrites) {
  std::int64_t tried = 0;
  for (const attention::Mechanism& mechanism : attention::mechanisms()) {
    for (RnnSeq2SeqConfig config : configs()) {
      config.attention = mechanism.name;
      if (!model::fits_global_attention(mechanism)) {
        EXPECT_ERROR(RnnSeq2Seq(config, 1), "attention " + std::string(mechanism.name));
        break;
      }
      for (const Tensor& result : step(config))
        for (const double value : result.to_vector<double>())
          ASSERT_TRUE(std::isfinite(value)) << to_json(config);
      const RnnSeq2Seq model(config, 1);
      const auto writer = model.writer(test::random_integers({2, 5}, 31, 3), lengths_of({5, 3}), 0, {});
      writer->reorder(std::vector<std::int32_t>{0, 0, 1});
      for (const double value : writer->next_logits(tokens_of({1, 2, 3}), {}).to_vector<double>())
        ASSERT_TRUE(std::isfinite(value)) << to_json(config);
      ++tried;
    }
  }
  EXPECT_GT(tried, 40);
}

TEST(RnnSeq2Seq, NamesWhatDoesNotFit) {
  const RnnSeq2Seq model(configs()[0], 1);
  const Tensor tokens = test::random_integers({2, 5}, 29, 3);
  EXPECT_ERROR(model.encode(test::random_integers({2, 13}, 29, 3)), "context of 12");
  EXPECT_ERROR(model.encode(tokens, lengths_of({5, 6})), "source length 6 of row 1");
  EXPECT_ERROR(model.loss(tokens, {}, tokens, test::random_integers({2, 4}, 29, 3)), "the same shape");
  EXPECT_ERROR(model.loss(test::random_integers({3, 5}, 29, 3), {}, tokens, tokens), "as many rows");
  EXPECT_ERROR(model.writer(tokens, {}, 13, {}), "more than the model's context");
}

TEST(EncoderDecoderConfig, JsonGoesThereAndBack) {
  model::EncoderDecoderConfig config;
  config.kind = model::EncoderDecoderKind::rnn;
  config.rnn = configs()[3];
  config.rnn.tied_embeddings = false;
  EXPECT_EQ(model::encoder_decoder_config_from_json(to_json(config)), config);
  EXPECT_EQ(model::rnn_seq2seq_config_from_json(to_json(config.rnn)), config.rnn);
  EXPECT_EQ(make_encoder_decoder(config, 1)->encoder_decoder_config(), config);
  config.kind = model::EncoderDecoderKind::transformer;
  config.transformer.dim = 64;
  EXPECT_EQ(model::encoder_decoder_config_from_json(to_json(config)), config);
  EXPECT_EQ(make_encoder_decoder(config, 1)->encoder_decoder_config(), config);
  EXPECT_EQ(model::encoder_decoder_config_from_json(to_json(config.transformer)), config);
}

TEST(EncoderDecoderConfig, WhatDoesNotFitIsNamed) {
  const auto read = [](const char* text) {
    return model::encoder_decoder_config_from_json(text, "config.json");
  };
  EXPECT_ERROR(read(R"({"kind": "cnn"})"), "config.json: kind \"cnn\": one of \"transformer\", \"rnn\"");
  EXPECT_ERROR(read(R"({"kind": "rnn", "hiden": 3})"), "unknown key \"hiden\"; did you mean \"hidden\"?");
  EXPECT_ERROR(read(R"({"kind": "rnn", "key_heads": 3})"), "unknown key \"key_heads\"");
  EXPECT_ERROR(read(R"({"cell": "gru"})"), "unknown key \"cell\"");
  EXPECT_ERROR(read(R"({"kind": "rnn", "cell": "rnn"})"), "cell \"rnn\": one of \"gru\", \"lstm\"");
  EXPECT_ERROR(read(R"({"kind": "rnn", "hidden": 5})"), "hidden 5: an even number");
  EXPECT_ERROR(read(R"({"kind": "rnn", "heads": 3})"), "heads 3 do not divide hidden 256");
  EXPECT_ERROR(read(R"({"kind": "rnn", "hidden": 1024})"), "1024 features a head");
  EXPECT_ERROR(read(R"({"kind": "rnn", "attention": "alibi"})"), "attention alibi depends on places");
  EXPECT_ERROR(read("{"), "not valid JSON");
}

}  // namespace
}  // namespace attend

#include "attend/decode/seq2seq.h"

#include <gtest/gtest.h>

#include "attend/autograd/tape.h"
#include "attend/model/seq2seq.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend::decode {
namespace {

using model::Seq2Seq;
using model::Seq2SeqConfig;

const Seq2SeqConfig kSmall{.source_vocabulary = 31,
                           .target_vocabulary = 12,
                           .tied_embeddings = false,
                           .context = 10,
                           .encoder_layers = 1,
                           .decoder_layers = 2,
                           .heads = 2,
                           .dim = 16};

/// Large weights, so that what is written depends on the source and on what was written before.
std::unique_ptr<Seq2Seq> model_of(const Seq2SeqConfig& config) {
  auto model = std::make_unique<Seq2Seq>(config, 1);
  model->cast_parameters(DType::f64);
  std::uint64_t seed = 5;
  for (const auto& parameter : model->parameters())
    if (parameter.decay)
      parameter.tensor.copy_from(
          attend::test::random_tensor(parameter.tensor.shape(), DType::f64, ++seed, -0.7, 0.7));
  return model;
}

Tensor lengths_of(const std::vector<std::int32_t>& lengths) {
  return Tensor::from(lengths, {static_cast<std::int64_t>(lengths.size())});
}

struct Recorder : attention::Observer {
  std::int64_t layer = 0;
  Tensor seen;
  bool wants(std::int64_t given) override { return given == layer; }
  void observe(std::int64_t, const Tensor& weights) override { seen = weights; }
};

/// What a hypothesis says of itself equals what the whole model says of its tokens.
void expect_true(const Seq2Seq& model, const Tensor& source, const Hypothesis& h, std::int64_t layer,
                 std::int64_t head) {
  const autograd::NoGrad no_grad;
  std::vector<std::int32_t> input = {1}, output = h.tokens;
  input.insert(input.end(), h.tokens.begin(), h.tokens.end());
  output.push_back(2);
  const auto count = static_cast<std::int64_t>(input.size());
  Recorder recorder;
  recorder.layer = layer;
  const auto memory = model.encode(source);
  const Tensor logits = model.logits(memory, Tensor::from(input, {1, count}), {.observer = &recorder});
  const auto values = op::log_softmax(logits).to_vector<double>();
  double sum = 0;
  for (std::size_t t = 0; t < output.size(); ++t) {
    const double expected = values[t * 12 + static_cast<std::size_t>(output[t])];
    EXPECT_NEAR(h.log_probabilities.at(t), expected, 1e-5);
    sum += expected;
  }
  EXPECT_NEAR(h.log_probability, sum, 1e-5);
  const Tensor weights = head < 0 ? op::mean(recorder.seen, {.axes = {1}})
                                  : op::contiguous(op::slice(recorder.seen, 1, head, head + 1));
  EXPECT_TRUE(attend::test::close(h.attention, op::reshape(weights, {count, source.dim(1)}), 1e-9, 1e-9));
}

TEST(Seq2SeqSearch, HypothesesAndTheirAttentionAreThoseOfTheWholeModel) {
  const auto model = model_of(kSmall);
  const std::vector<std::int32_t> lengths = {7, 4, 2, 6};
  const Tensor source = attend::test::random_integers({4, 7}, 31, 3);
  for (const std::int64_t head : {-1, 1})
    for (const std::int64_t beam : {1, 3, 6}) {
      Seq2SeqSearch search{.beam = {.start = 1, .end = 2, .beam = beam, .n_best = beam, .max_length = 8},
                           .attention = AttentionChoice{.layer = head < 0 ? -1 : 0, .head = head}};
      search.beam.coverage_penalty = head < 0 ? 0.2 : 0;
      const auto found = beam_search(*model, source, lengths_of(lengths), search);
      ASSERT_EQ(found.size(), 4U);
      for (std::int64_t s = 0; s < 4; ++s) {
        const std::int64_t length = lengths[static_cast<std::size_t>(s)];
        const Tensor alone = op::contiguous(op::slice(op::slice(source, 0, s, s + 1), 1, 0, length));
        const auto by_itself = beam_search(*model, alone, {}, search);
        const auto& mine = found[static_cast<std::size_t>(s)];
        ASSERT_EQ(mine.size(), by_itself[0].size());
        for (std::size_t i = 0; i < mine.size(); ++i) {
          expect_true(*model, alone, mine[i], kSmall.cross_layer(head < 0 ? 1 : 0), head);
          EXPECT_EQ(mine[i].tokens, by_itself[0][i].tokens);
          EXPECT_NEAR(mine[i].score, by_itself[0][i].score, 1e-5);
        }
      }
      EXPECT_NE(found[0][0].tokens, found[1][0].tokens);
    }
}

TEST(Seq2SeqSearch, KeepsToTheContextAndNamesWhatDoesNotFit) {
  const auto model = model_of(kSmall);
  const Tensor source = attend::test::random_integers({2, 7}, 31, 3);
  const auto found = beam_search(*model, source, {}, {.beam = {.start = 1, .end = 2, .min_length = 50}});
  EXPECT_EQ(found[0][0].tokens.size(), 9U);
  EXPECT_TRUE(found[0][0].was_cut);
  EXPECT_FALSE(found[0][0].attention.defined());
  const auto shorter =
      beam_search(*model, source, {},
                  {.beam = {.start = 1, .end = 2, .max_ratio = 0.3, .max_extra = 1, .min_length = 50}});
  EXPECT_EQ(shorter[0][0].tokens.size(), 3U);
  const auto choose = [&](const AttentionChoice& choice) {
    return beam_search(*model, source, {}, {.beam = {.start = 1, .end = 2}, .attention = choice});
  };
  EXPECT_ERROR(choose({.layer = 2}), "attention of decoder layer 2: -2 to 1 accepted");
  EXPECT_ERROR(choose({.layer = -3}), "decoder layer -3");
  EXPECT_ERROR(choose({.head = 2}), "attention of head 2: 0 to 1");
  EXPECT_ERROR(beam_search(*model, source, {}, {}), "start token -1");
  EXPECT_ERROR(beam_search(*model, source, {}, {.beam = {.start = 1, .end = 12}}), "end token 12");
}

}  // namespace
}  // namespace attend::decode

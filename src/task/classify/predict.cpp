#include "task/classify/predict.h"

#include <algorithm>
#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "task/encoder_tokens.h"
#include "task/word_evidence.h"

namespace attend::task {

std::vector<std::vector<float>> log_probabilities(const model::SequenceClassifier& model,
                                                  const data::TokenSequences& texts, DType compute) {
  const autograd::NoGrad guard;
  const std::vector<std::int64_t>& classes = model.config().classes;
  std::vector<std::vector<float>> result(classes.size());
  for (std::size_t q = 0; q < classes.size(); ++q)
    result[q].resize(static_cast<std::size_t>(texts.size() * classes[q]));
  for_each_batch(texts, [&](std::span<const std::int64_t> rows, const model::EncoderInput& input) {
    const std::vector<Tensor> logits = model.logits(input, {.compute = compute});
    for (std::size_t q = 0; q < classes.size(); ++q) {
      const auto width = static_cast<std::size_t>(classes[q]);
      const std::vector<float> values = op::log_softmax(op::cast(logits[q], DType::f32)).to_vector<float>();
      for (std::size_t r = 0; r < rows.size(); ++r)
        std::copy_n(
            values.begin() + static_cast<std::ptrdiff_t>(r * width), width,
            result[q].begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows[r]) * width));
    }
  });
  return result;
}

double mean_loss(const std::vector<std::vector<float>>& log_probabilities,
                 const std::vector<std::vector<std::int64_t>>& labels) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t q = 0; q < labels.size(); ++q) {
    const std::size_t classes = log_probabilities[q].size() / std::max<std::size_t>(1, labels[q].size());
    for (std::size_t i = 0; i < labels[q].size(); ++i, ++count)
      sum -= log_probabilities[q][i * classes + static_cast<std::size_t>(labels[q][i])];
  }
  return sum / static_cast<double>(count);
}

namespace {

double probability(const std::vector<float>& log_probabilities, std::size_t i, std::int64_t classes,
                   std::int64_t answer) {
  return std::exp(static_cast<double>(
      log_probabilities[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(answer)]));
}

}  // namespace

explain::WordScores why(const model::SequenceClassifier& model, const data::Tokenizer& tokenizer,
                        std::string_view text, std::int64_t question, std::int64_t answer) {
  const model::Encoder& encoder = model.encoder();
  const auto q = static_cast<std::size_t>(question);
  WordEvidence evidence(encoder, tokenizer,
                        {.ids = read_text(tokenizer, text, encoder.config().context).ids});
  if (model.pooling().kind() == nn::PoolingKind::attention) {
    const autograd::NoGrad guard;
    evidence.add("pooling", "the part of each word in what the classes are told from",
                 model.pooling().weights(encoder.features({.tokens = evidence.row()})).to_vector<double>());
  }
  evidence.add("gradient", "gradient of the class's logit times the word's embedding",
               evidence.gradient_times_input([&](const Tensor& features) {
                 return op::slice(model.logits_of(features, {})[q], 1, answer, answer + 1);
               }));
  if (const nn::BagOfWords* bag = model.bag(q)) {
    const autograd::NoGrad guard;
    const Tensor shares = bag->shares(evidence.row());
    const Tensor others = op::mean(shares, {.axes = {2}, .keep_axes = true});
    evidence.add(
        "bag of words",
        "what the word adds to the class's logit in the bag of words, more than to others' on average",
        op::slice(op::subtract(shares, others), 2, answer, answer + 1).to_vector<double>());
  }
  // The text, and the text without each of its words in turn.
  const auto values = log_probabilities(model, evidence.with_hidden_words(), DType::f32);
  const std::int64_t classes = model.config().classes[q];
  std::vector<double> lost;
  for (std::size_t i = 0; i < evidence.words().size(); ++i)
    lost.push_back(probability(values[q], 0, classes, answer) -
                   probability(values[q], i + 1, classes, answer));
  evidence.add_words("hidden", "by how much the class is less likely without the word", lost);
  return evidence.scores();
}

}  // namespace attend::task

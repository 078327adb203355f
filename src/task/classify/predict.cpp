#include "task/classify/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/cast.h"
#include "attend/op/embedding.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"

namespace attend::task {

ReadText read_text(const data::Tokenizer& tokenizer, std::string_view text, std::int64_t context) {
  ReadText result{.ids = tokenizer.encode(text)};
  result.ids.insert(result.ids.begin(), data::SpecialTokens(tokenizer.size()).start);
  result.cut = static_cast<std::int64_t>(result.ids.size()) > context;
  if (result.cut) result.ids.resize(static_cast<std::size_t>(context));
  return result;
}

namespace {

constexpr std::int64_t kTokensAtOnce = 8192;

model::EncoderInput input_of(const data::PaddedBatch& batch) {
  return {.tokens = Tensor::from(batch.tokens, {batch.rows, batch.length}),
          .lengths = Tensor::from(batch.lengths, {batch.rows})};
}

/// Texts from the shortest to the longest.
std::vector<std::int64_t> by_length(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
  });
  return order;
}

/// Rows of each batch: as many as kTokensAtOnce allows with the padding.
std::vector<std::span<const std::int64_t>> cut_by_tokens(const std::vector<std::int64_t>& order,
                                                         const std::vector<std::int64_t>& lengths) {
  std::vector<std::span<const std::int64_t>> batches;
  std::size_t begin = 0;
  for (std::size_t end = 1; end <= order.size(); ++end) {
    // The next row would be the longest of the batch.
    const bool full = end == order.size() || static_cast<std::int64_t>(end + 1 - begin) *
                                                     lengths[static_cast<std::size_t>(order[end])] >
                                                 kTokensAtOnce;
    if (!full) continue;
    batches.push_back(std::span<const std::int64_t>(order).subspan(begin, end - begin));
    begin = end;
  }
  return batches;
}

}  // namespace

std::vector<std::vector<float>> log_probabilities(const model::SequenceClassifier& model,
                                                  const data::TokenSequences& texts, DType compute) {
  const autograd::NoGrad guard;
  const std::vector<std::int64_t>& classes = model.config().classes;
  std::vector<std::vector<float>> result(classes.size());
  for (std::size_t q = 0; q < classes.size(); ++q)
    result[q].resize(static_cast<std::size_t>(texts.size() * classes[q]));
  const std::vector<std::int64_t> lengths = texts.lengths();
  const std::vector<std::int64_t> order = by_length(lengths);
  for (const auto& rows : cut_by_tokens(order, lengths)) {
    const std::vector<Tensor> logits =
        model.logits(input_of(data::padded_batch(texts, rows, 0)), {.compute = compute});
    for (std::size_t q = 0; q < classes.size(); ++q) {
      const auto width = static_cast<std::size_t>(classes[q]);
      const std::vector<float> values = op::log_softmax(op::cast(logits[q], DType::f32)).to_vector<float>();
      for (std::size_t r = 0; r < rows.size(); ++r)
        std::copy_n(
            values.begin() + static_cast<std::ptrdiff_t>(r * width), width,
            result[q].begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows[r]) * width));
    }
  }
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

/// One text, ready to be asked why.
class Question {
 public:
  Question(const model::SequenceClassifier& model, const data::Tokenizer& tokenizer, std::string_view text,
           std::int64_t question, std::int64_t answer)
      : model_(model),
        special_(tokenizer.size()),
        ids_(read_text(tokenizer, text, model.config().encoder.context).ids),
        question_(static_cast<std::size_t>(question)),
        answer_(answer) {
    for (std::size_t i = 1; i < ids_.size(); ++i) pieces_.emplace_back(tokenizer.piece(ids_[i]));
    for (const std::string& piece : pieces_) scores_.text += piece;
    scores_.words = explain::words_of(scores_.text);
    if (scores_.words.empty()) throw Error("the text has no word to look at");
  }

  explain::WordScores all() {
    if (model_.pooling().kind() == nn::PoolingKind::attention)
      add("pooling", "the part of each word in what the classes are told from", pooling_weights());
    add("gradient", "gradient of the class's logit times the word's embedding", gradient_times_input());
    scores_.measures.push_back({"hidden", "by how much the class is less likely without the word", hidden()});
    return std::move(scores_);
  }

 private:
  Tensor row() const { return Tensor::from(ids_, {1, static_cast<std::int64_t>(ids_.size())}); }

  /// Scores of all tokens, the start mark first.
  void add(const char* name, const std::string& meaning, const std::vector<double>& scores) {
    scores_.measures.push_back(
        {name, meaning,
         explain::merged_scores(scores_.text, scores_.words, pieces_, std::span(scores).subspan(1))});
  }

  std::vector<double> pooling_weights() const {
    const autograd::NoGrad guard;
    return model_.pooling().weights(model_.encoder().features({.tokens = row()})).to_vector<double>();
  }

  std::vector<double> gradient_times_input() const {
    const autograd::WithGrad guard;
    const model::Encoder& encoder = model_.encoder();
    const Tensor embedded = encoder.embed({.tokens = row()}).detach();
    autograd::set_requires_grad(embedded);
    const Tensor logits = model_.logits_of(encoder.encode(embedded), {})[question_];
    const Tensor gradient = autograd::gradients({op::slice(logits, 1, answer_, answer_ + 1)}, {embedded},
                                                {Tensor::full({1, 1}, 1, logits.dtype())})[0];
    const std::vector<double> slopes = gradient.to_vector<double>();
    const std::vector<double> words =
        op::embedding(encoder.token_embeddings().detach(), row()).to_vector<double>();
    std::vector<double> scores(ids_.size());
    const std::size_t dim = slopes.size() / ids_.size();
    for (std::size_t i = 0; i < slopes.size(); ++i) scores[i / dim] += slopes[i] * words[i];
    return scores;
  }

  double probability(const std::vector<std::vector<float>>& log_probabilities, std::size_t i) const {
    const auto classes = static_cast<std::size_t>(model_.config().classes[question_]);
    return std::exp(
        static_cast<double>(log_probabilities[question_][i * classes + static_cast<std::size_t>(answer_)]));
  }

  /// The text, and the text without each of its words in turn.
  std::vector<double> hidden() const {
    data::TokenSequences texts;
    texts.add(ids_);
    for (const auto& word : scores_.words) {
      std::vector<std::int32_t> ids = ids_;
      std::size_t begin = 0;
      for (std::size_t i = 0; i < pieces_.size(); begin += pieces_[i].size(), ++i)
        if (begin < word.end && begin + pieces_[i].size() > word.begin) ids[i + 1] = special_.mask;
      texts.add(ids);
    }
    const auto values = log_probabilities(model_, texts, DType::f32);
    std::vector<double> scores;
    for (std::size_t i = 0; i < scores_.words.size(); ++i)
      scores.push_back(probability(values, 0) - probability(values, i + 1));
    return scores;
  }

  const model::SequenceClassifier& model_;
  data::SpecialTokens special_;
  std::vector<std::int32_t> ids_;
  std::size_t question_;
  std::int64_t answer_;
  std::vector<std::string> pieces_;
  explain::WordScores scores_;
};

}  // namespace

explain::WordScores why(const model::SequenceClassifier& model, const data::Tokenizer& tokenizer,
                        std::string_view text, std::int64_t question, std::int64_t answer) {
  return Question(model, tokenizer, text, question, answer).all();
}

}  // namespace attend::task

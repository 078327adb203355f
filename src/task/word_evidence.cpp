#include "task/word_evidence.h"

#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/embedding.h"

namespace attend::task {

WordEvidence::WordEvidence(const model::Encoder& encoder, const data::Tokenizer& tokenizer,
                           EvidenceInput input)
    : encoder_(encoder), special_(tokenizer.size()), input_(std::move(input)) {
  for (const std::int32_t id : input_.ids) {
    if (id < special_.start)
      pieces_.emplace_back(tokenizer.piece(id));
    else
      pieces_.push_back(id == special_.separator ? input_.separator : std::string());
    scores_.text += pieces_.back();
  }
  scores_.words = explain::words_of(scores_.text);
  if (scores_.words.empty()) throw Error("the text has no word to look at");
}

Tensor WordEvidence::row() const {
  return Tensor::from(input_.ids, {1, static_cast<std::int64_t>(input_.ids.size())});
}

Tensor WordEvidence::segments() const {
  if (input_.segments.empty()) return {};
  return Tensor::from(input_.segments, {1, static_cast<std::int64_t>(input_.segments.size())});
}

std::vector<double> WordEvidence::gradient_times_input(
    const std::function<Tensor(const Tensor& features)>& answer) const {
  const autograd::WithGrad guard;
  const Tensor embedded = encoder_.embed({.tokens = row(), .segments = segments()}).detach();
  autograd::set_requires_grad(embedded);
  const Tensor value = answer(encoder_.encode(embedded));
  const Tensor gradient =
      autograd::gradients({value}, {embedded}, {Tensor::full(value.shape(), 1, value.dtype())})[0];
  std::vector<double> scores(input_.ids.size());
  if (!gradient.defined()) return scores;
  const std::vector<double> slopes = gradient.to_vector<double>();
  const std::vector<double> words =
      op::embedding(encoder_.token_embeddings().detach(), row()).to_vector<double>();
  const std::size_t dim = slopes.size() / input_.ids.size();
  for (std::size_t i = 0; i < slopes.size(); ++i) scores[i / dim] += slopes[i] * words[i];
  return scores;
}

data::TokenSequences WordEvidence::with_hidden_words() const {
  data::TokenSequences texts;
  texts.add(input_.ids);
  for (const auto& word : scores_.words) {
    std::vector<std::int32_t> ids = input_.ids;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < pieces_.size(); begin += pieces_[i].size(), ++i) {
      const bool overlaps = begin < word.end && begin + pieces_[i].size() > word.begin;
      if (overlaps && ids[i] < special_.start) ids[i] = special_.mask;
    }
    texts.add(ids);
  }
  return texts;
}

void WordEvidence::add(const std::string& name, const std::string& meaning,
                       std::vector<double> scores_of_tokens) {
  for (std::size_t i = 0; i < scores_of_tokens.size(); ++i)
    if (input_.ids[i] >= special_.start) scores_of_tokens[i] = 0;
  add_words(name, meaning, explain::merged_scores(scores_.text, scores_.words, pieces_, scores_of_tokens));
}

void WordEvidence::add_words(const std::string& name, const std::string& meaning,
                             std::vector<double> scores_of_words) {
  scores_.measures.push_back({name, meaning, std::move(scores_of_words)});
}

explain::WordScores joined(const explain::WordScores& first, const explain::WordScores& second) {
  explain::WordScores both = first;
  both.text += '\n';
  const std::size_t shift = both.text.size();
  both.text += second.text;
  for (const auto& word : second.words) both.words.push_back({word.begin + shift, word.end + shift});
  both.measures.clear();
  for (const auto& left : first.measures) {
    for (const auto& right : second.measures) {
      if (left.name != right.name) continue;
      both.measures.push_back(left);
      both.measures.back().scores.insert(both.measures.back().scores.end(), right.scores.begin(),
                                         right.scores.end());
    }
  }
  return both;
}

}  // namespace attend::task

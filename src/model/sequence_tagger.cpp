#include "attend/model/sequence_tagger.h"

#include <fmt/format.h>

#include <vector>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/embedding.h"
#include "attend/op/shape.h"

namespace attend::model {

namespace {

// The encoder draws its weights from the seed itself, so the head needs another.
constexpr std::uint64_t kHeadSeed = 0x7461676765723031ull;

bool is_integer(const Tensor& tensor) {
  return tensor.dtype() == DType::i32 || tensor.dtype() == DType::i64;
}

void check(const TaggerInput& input) {
  const std::int64_t batch = input.sequences.tokens.dim(0);
  if (!input.words.defined() || !is_integer(input.words) || input.words.rank() != 2 ||
      input.words.dim(0) != batch)
    throw Error(fmt::format("words {}: i32 or i64 [{}, words] needed",
                            input.words.defined() ? input.words.text() : "not given", batch));
  if (!input.word_lengths.defined() || !is_integer(input.word_lengths) ||
      !(input.word_lengths.shape() == Shape{batch}))
    throw Error(fmt::format("word_lengths {}: i32 or i64 [{}] needed",
                            input.word_lengths.defined() ? input.word_lengths.text() : "not given", batch));
}

/// The places of the words' first tokens in features [batch * length, dim]; 0 behind the words of a row.
Tensor places_of(const TaggerInput& input) {
  const std::int64_t batch = input.words.dim(0), most = input.words.dim(1),
                     length = input.sequences.tokens.dim(1);
  const auto words = input.words.to_vector<std::int64_t>(),
             counts = input.word_lengths.to_vector<std::int64_t>();
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(batch), length);
  if (input.sequences.lengths.defined()) lengths = input.sequences.lengths.to_vector<std::int64_t>();
  std::vector<std::int64_t> places(words.size(), 0);
  for (std::int64_t row = 0; row < batch; ++row) {
    const auto r = static_cast<std::size_t>(row);
    if (counts[r] < 0 || counts[r] > most)
      throw Error(fmt::format("{} words in row {}: 0 to {} accepted", counts[r], row, most));
    for (std::int64_t w = 0; w < counts[r]; ++w) {
      const auto i = static_cast<std::size_t>(row * most + w);
      if (words[i] < 0 || words[i] >= lengths[r])
        throw Error(fmt::format("word {} of row {} stands at token {}: 0 to {} accepted", w, row, words[i],
                                lengths[r] - 1));
      places[i] = row * length + words[i];
    }
  }
  return Tensor::from(places, input.words.shape());
}

}  // namespace

SequenceTagger::SequenceTagger(const SequenceTaggerConfig& config, std::uint64_t seed)
    : config_(config), encoder_(config.encoder, seed) {
  if (config.tags < 1) throw Error(fmt::format("a tagger of {} tags: at least 1 needed", config.tags));
  Generator random(seed ^ kHeadSeed);
  head_ = std::make_unique<nn::TokenHead>(
      config.encoder.dim, config.tags,
      nn::HeadOptions{.dropout = config.encoder.dropout,
                      .initialisation_std = config.encoder.initialisation_std},
      random);
  add_child("encoder", encoder_);
  add_child("head", *head_);
  if (config.crf) {
    crf_ = std::make_unique<nn::Crf>(config.tags);
    add_child("crf", *crf_);
  }
  if (config.character_filters == 0) return;
  characters_ = std::make_unique<nn::CharacterCnn>(
      nn::CharacterCnnOptions{.count = config.characters, .filters = config.character_filters}, random);
  character_projection_ = std::make_unique<nn::Linear>(
      config.character_filters, config.encoder.dim,
      nn::LinearOptions{.initialisation_std = config.encoder.initialisation_std}, random);
  add_child("characters", *characters_);
  add_child("character_projection", *character_projection_);
}

/// What words are by their characters, added to the embeddings of their first tokens.
Tensor SequenceTagger::with_characters(const Tensor& embedded, const TaggerInput& input) const {
  const std::int64_t batch = embedded.dim(0), length = embedded.dim(1), most = input.words.dim(1);
  const Tensor spelt = character_projection_->forward(
      characters_->forward(input.characters, input.character_lengths, embedded.dtype()));
  if (!input.spellings.defined() || !is_integer(input.spellings) ||
      !(input.spellings.shape() == input.words.shape()))
    throw Error(fmt::format("spellings {}: i32 or i64 [{}, {}] needed",
                            input.spellings.defined() ? input.spellings.text() : "not given", batch, most));
  const auto spellings = input.spellings.to_vector<std::int64_t>(),
             places = places_of(input).to_vector<std::int64_t>(),
             counts = input.word_lengths.to_vector<std::int64_t>();
  // Row 0 is for tokens that begin no word.
  std::vector<std::int64_t> rows(static_cast<std::size_t>(batch * length), 0);
  for (std::int64_t row = 0; row < batch; ++row)
    for (std::int64_t w = 0; w < counts[static_cast<std::size_t>(row)]; ++w) {
      const auto i = static_cast<std::size_t>(row * most + w);
      if (spellings[i] < 0 || spellings[i] >= spelt.dim(0))
        throw Error(fmt::format("spelling {} of word {} in row {}: 0 to {} accepted", spellings[i], w, row,
                                spelt.dim(0) - 1));
      rows[static_cast<std::size_t>(places[i])] = 1 + spellings[i];
    }
  const Tensor table = op::concatenate({Tensor::zeros({1, spelt.dim(1)}, spelt.dtype()), spelt}, 0);
  return op::add(embedded, op::embedding(table, Tensor::from(rows, {batch, length})));
}

Tensor SequenceTagger::emissions(const TaggerInput& input, const nn::Run& run) const {
  Tensor embedded = encoder_.embed(input.sequences, run);
  check(input);
  if (characters_ != nullptr) embedded = with_characters(embedded, input);
  const Tensor features = encoder_.encode(embedded, input.sequences.lengths, run);
  const Tensor rows = op::reshape(features, {features.dim(0) * features.dim(1), features.dim(2)});
  const Tensor scores = head_->forward(op::embedding(rows, places_of(input)), run);
  return scores.dtype() == DType::bf16 ? op::cast(scores, DType::f32) : scores;
}

op::CrfScores SequenceTagger::scores(const TaggerInput& input, const nn::Run& run) const {
  const Tensor words = emissions(input, run);
  if (crf_ != nullptr) return crf_->scores(words);
  // Without scores of pairs, each word is tagged for itself.
  const Tensor none = Tensor::zeros({config_.tags});
  return {words, Tensor::zeros({config_.tags, config_.tags}), none, none};
}

Tensor SequenceTagger::losses(const TaggerInput& input, const Tensor& tags, const nn::Run& run) const {
  return op::crf_negative_log_likelihood(scores(input, run), tags, input.word_lengths, op::Reduction::none);
}

Tensor SequenceTagger::loss(const TaggerInput& input, const Tensor& tags, const nn::Run& run) const {
  const Tensor sum =
      op::crf_negative_log_likelihood(scores(input, run), tags, input.word_lengths, op::Reduction::sum);
  double words = 0;
  for (const double count : input.word_lengths.to_vector<double>()) words += count;
  return op::scale(sum, words > 0 ? 1 / words : 0);
}

Tensor SequenceTagger::decode(const TaggerInput& input, const nn::Run& run) const {
  return op::crf_decode(scores(input, run), input.word_lengths).tags;
}

Tensor SequenceTagger::probabilities(const TaggerInput& input, const nn::Run& run) const {
  return op::crf_marginals(scores(input, run), input.word_lengths);
}

}  // namespace attend::model

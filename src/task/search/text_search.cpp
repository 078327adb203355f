#include "attend/task/text_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/data/line_reader.h"
#include "attend/data/token_file.h"
#include "attend/model/weights.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/precision.h"
#include "task/search/data.h"
#include "task/search/evaluate.h"
#include "task/word_evidence.h"

namespace attend::task {

namespace {

// Lines that are turned into vectors at once, and vectors that are compared at once.
constexpr std::size_t kLinesAtOnce = 1024;
constexpr std::int64_t kVectorsAtOnce = 1 << 16;

/// w_i (h_i . other) / |sum_j w_j h_j| of each token i: with the pooling's weights w, they add up to the
/// cosine.
std::vector<double> shares(const model::SentenceEncoder& encoder, const Tensor& row, const Tensor& other) {
  const autograd::NoGrad guard;
  const Tensor features = op::cast(encoder.encoder().features({.tokens = row}), DType::f32);
  const std::int64_t length = features.dim(1), dim = features.dim(2);
  const Tensor rows = op::reshape(features, {length, dim});
  const std::vector<double> weights = encoder.pooling().weights(features).to_vector<double>(),
                            products = op::matmul(rows, op::transpose(other)).to_vector<double>(),
                            values = rows.to_vector<double>();
  std::vector<double> pooled(static_cast<std::size_t>(dim)), result(weights.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    pooled[i % pooled.size()] += weights[i / pooled.size()] * values[i];
  double square = 0;
  for (const double value : pooled) square += value * value;
  for (std::size_t i = 0; i < weights.size(); ++i)
    result[i] = weights[i] * products[i] / std::sqrt(std::max(square, 1e-30));
  return result;
}

std::uint64_t checksum_of_file(const std::filesystem::path& path) {
  const io::MappedFile file(path);
  return data::checksum({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
}

}  // namespace

struct TextSearch::Content {
  SearchConfig config;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<model::SentenceEncoder> model;
  std::uint64_t checksum = 0;

  data::TokenSequences sequences(std::span<const std::string> texts, std::int64_t* cut = nullptr) const {
    data::TokenSequences result;
    for (const std::string& text : texts) {
      const ReadText read = read_text(*tokenizer, text, config.model.encoder.context);
      result.add(read.ids);
      if (cut != nullptr) *cut += read.cut ? 1 : 0;
    }
    return result;
  }
};

TextSearch::TextSearch(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_search_config(folder);
  content_->tokenizer = load_encoder_tokenizer(folder, content_->config.model.encoder.vocabulary);
  content_->model = std::make_unique<model::SentenceEncoder>(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  content_->checksum = checksum_of_file(folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

TextSearch::~TextSearch() = default;
TextSearch::TextSearch(TextSearch&&) noexcept = default;
TextSearch& TextSearch::operator=(TextSearch&&) noexcept = default;

const SearchConfig& TextSearch::config() const {
  return content_->config;
}
const model::SentenceEncoder& TextSearch::model() const {
  return *content_->model;
}
const data::Tokenizer& TextSearch::tokenizer() const {
  return *content_->tokenizer;
}
std::uint64_t TextSearch::checksum() const {
  return content_->checksum;
}

Tensor TextSearch::embed(std::span<const std::string> texts) const {
  if (texts.empty()) throw Error("no text to make a vector of");
  return embeddings_of(model(), content_->sequences(texts), DType::f32);
}

data::EmbeddingIndex TextSearch::new_index() const {
  return {config().model.encoder.dim, checksum()};
}

void TextSearch::add(data::EmbeddingIndex& index, std::span<const std::string> texts,
                     std::span<const std::string> shown) const {
  if (texts.empty()) return;
  const Tensor vectors = embed(texts);
  const auto dim = static_cast<std::size_t>(index.dim());
  for (std::size_t i = 0; i < texts.size(); ++i)
    index.add(shown.empty() ? texts[i] : shown[i], {vectors.data<float>() + i * dim, dim});
}

data::EmbeddingIndex TextSearch::index_lines(const std::filesystem::path& file, const data::ReadOptions& read,
                                             data::SkippedRecords* skipped) const {
  data::EmbeddingIndex index = new_index();
  data::LineReader lines(file, read);
  std::vector<std::string> texts;
  while (const auto line = lines.next()) {
    if (line->find_first_not_of(" \t\v\f\r") == std::string_view::npos) {
      lines.reject("the line is empty; expected text");
      continue;
    }
    texts.emplace_back(*line);
    if (texts.size() < kLinesAtOnce) continue;
    add(index, texts);
    texts.clear();
  }
  add(index, texts);
  if (skipped != nullptr) *skipped = lines.skipped();
  if (index.size() == 0) throw Error(fmt::format("{}: no line in it to search", file.string()));
  return index;
}

void TextSearch::check_index(const data::EmbeddingIndex& index, std::string_view name) const {
  if (index.model() != checksum() || index.dim() != config().model.encoder.dim)
    throw Error(fmt::format("{}: the index was made by another model; make it anew with this one", name));
}

std::vector<std::vector<Found>> TextSearch::search(const data::EmbeddingIndex& index,
                                                   std::span<const std::string> queries,
                                                   std::int64_t count) const {
  check_index(index, "search");
  if (count < 1) throw Error(fmt::format("{} texts to find: at least 1 is needed", count));
  if (queries.empty()) return {};
  const autograd::NoGrad guard;
  const Tensor wanted = embed(queries);
  std::vector<std::vector<Found>> found(queries.size());
  for (std::int64_t begin = 0; begin < index.size(); begin += kVectorsAtOnce) {
    const std::int64_t end = std::min(index.size(), begin + kVectorsAtOnce), width = end - begin;
    const Tensor vectors = Tensor::from(index.vectors(begin, end), {width, index.dim()});
    const Tensor scores = op::contiguous(op::matmul(wanted, op::transpose(vectors)));
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const float* row = scores.data<float>() + static_cast<std::int64_t>(q) * width;
      // Those found before come first, so that equal scores stay in the order of their numbers.
      for (const std::int64_t i : largest(row, width, count)) found[q].push_back({begin + i, row[i]});
      std::ranges::stable_sort(found[q], std::ranges::greater{}, &Found::score);
      if (static_cast<std::int64_t>(found[q].size()) > count)
        found[q].resize(static_cast<std::size_t>(count));
    }
  }
  return found;
}

SearchEvaluation TextSearch::evaluate(const PairFiles& pairs, std::int64_t candidates) const {
  if (candidates < 2) throw Error(fmt::format("{} candidates: at least 2 are needed", candidates));
  const TextPairs texts = read_pairs(pairs);
  SearchEvaluation result;
  result.skipped = texts.skipped;
  const data::TokenSequences targets = content_->sequences(texts.targets, &result.cut);
  const Tensor queries = embeddings_of(model(), content_->sequences(texts.sources, &result.cut), DType::f32),
               vectors = embeddings_of(model(), targets, DType::f32);
  result.scores = search_scores(queries, vectors, groups_of(targets), candidates);
  return result;
}

explain::WordScores TextSearch::see(std::string_view query, std::string_view text) const {
  const model::SentenceEncoder& encoder = model();
  const Tensor vectors = embed(std::vector<std::string>{std::string(query), std::string(text)});
  const auto scores_of = [&](std::string_view one, const Tensor& other) {
    WordEvidence evidence(encoder.encoder(), tokenizer(),
                          {.ids = read_text(tokenizer(), one, config().model.encoder.context).ids});
    if (encoder.pooling().kind() != nn::PoolingKind::first)
      evidence.add("share", "the word's part in the similarity, through the pooling",
                   shares(encoder, evidence.row(), other));
    evidence.add("gradient", "gradient of the similarity times the word's embedding",
                 evidence.gradient_times_input([&](const Tensor& features) {
                   return op::sum(op::multiply(encoder.embeddings_of(features), other));
                 }));
    const Tensor hidden = embeddings_of(encoder, evidence.with_hidden_words(), DType::f32);
    const std::vector<double> similar = op::matmul(hidden, op::transpose(other)).to_vector<double>();
    std::vector<double> lost;
    for (std::size_t i = 1; i < similar.size(); ++i) lost.push_back(similar[0] - similar[i]);
    evidence.add_words("hidden", "by how much the similarity is less without the word", lost);
    return evidence.scores();
  };
  const Tensor first = op::slice(vectors, 0, 0, 1), second = op::slice(vectors, 0, 1, 2);
  explain::WordScores both = joined(scores_of(query, second), scores_of(text, first));
  both.title = fmt::format("similarity {:.4f}", op::sum(op::multiply(first, second)).item());
  return both;
}

}  // namespace attend::task

#include "attend/task/tagger.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/explain/words.h"
#include "attend/model/weights.h"
#include "task/collect_maps.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/precision.h"
#include "task/tag/data.h"
#include "task/tag/evaluate.h"

namespace attend::task {

std::vector<std::vector<std::string>> sentences_of(const TaggedParts& parts,
                                                   std::span<const std::vector<std::int64_t>> classes,
                                                   const std::vector<std::string>& tags) {
  std::vector<std::vector<std::string>> sentences(static_cast<std::size_t>(parts.sentences));
  for (std::size_t part = 0; part < classes.size(); ++part)
    for (const std::int64_t tag : classes[part])
      sentences[static_cast<std::size_t>(parts.sentence[part])].push_back(
          tags[static_cast<std::size_t>(tag)]);
  return sentences;
}

TagEvaluation evaluation_of(const model::SequenceTagger& model, const std::vector<std::string>& tags,
                            const TaggedParts& parts, DType compute) {
  const TagPredictions predictions = predict(model, parts, compute);
  const auto expected = sentences_of(parts, parts.tags, tags),
             predicted = sentences_of(parts, predictions.tags, tags);
  TagEvaluation result{.sentences = parts.sentences,
                       .words = parts.word_count,
                       .loss = predictions.loss / static_cast<double>(parts.word_count),
                       .accuracy = metric::token_accuracy(expected, predicted)};
  if (mark_spans(tags)) result.spans = metric::span_score(expected, predicted);
  return result;
}

struct Tagger::Content {
  TagConfig config;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<model::SequenceTagger> model;

  TagReader reader() const {
    return {.tags = config.tags,
            .tokenizer = *tokenizer,
            .context = config.model.encoder.context,
            .characters = CharacterSet(config.characters)};
  }
};

Tagger::Tagger(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_tag_config(folder);
  content_->tokenizer = load_encoder_tokenizer(folder, content_->config.model.encoder.vocabulary);
  content_->model = std::make_unique<model::SequenceTagger>(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

Tagger::~Tagger() = default;
Tagger::Tagger(Tagger&&) noexcept = default;
Tagger& Tagger::operator=(Tagger&&) noexcept = default;

const TagConfig& Tagger::config() const {
  return content_->config;
}
const model::SequenceTagger& Tagger::model() const {
  return *content_->model;
}
const data::Tokenizer& Tagger::tokenizer() const {
  return *content_->tokenizer;
}

std::vector<SentenceTags> Tagger::tag(std::span<const std::vector<std::string>> sentences) const {
  std::vector<data::TaggedSentence> untagged;
  for (const std::vector<std::string>& words : sentences) untagged.push_back({.words = words, .tags = {}});
  const TaggedParts parts = encoded(untagged, content_->reader());
  const TagPredictions predictions = predict(model(), parts, DType::f32);
  const auto tags = sentences_of(parts, predictions.tags, config().tags);
  std::vector<SentenceTags> result(sentences.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i].tags = tags[i];
  for (std::size_t part = 0; part < predictions.probabilities.size(); ++part) {
    std::vector<double>& all = result[static_cast<std::size_t>(parts.sentence[part])].probabilities;
    all.insert(all.end(), predictions.probabilities[part].begin(), predictions.probabilities[part].end());
  }
  return result;
}

TagSight Tagger::see(const std::vector<std::string>& sentence) const {
  if (sentence.empty()) throw Error("the sentence to look at has no word");
  const std::vector<data::TaggedSentence> untagged = {{.words = sentence, .tags = {}}};
  const std::int64_t context = model().config().encoder.context;
  const TaggedParts parts = encoded(untagged, content_->reader());
  if (parts.tokens.size() != 1)
    throw Error(
        fmt::format("the sentence has more tokens than the {} that this model sees at once", context));
  const autograd::NoGrad guard;
  MapCollector collector;
  nn::Run run;
  run.observer = &collector;
  const std::vector<std::int64_t> row = {0};
  model().emissions(batch_of(parts, row, 0).input(), run);
  TagSight sight{.maps = std::move(collector.maps), .tags = tag(std::span(&sentence, 1))[0]};
  sight.maps.queries = {"[start]"};
  for (const std::int32_t id : parts.tokens[0].subspan(1))
    sight.maps.queries.emplace_back(tokenizer().piece(id));
  sight.maps.keys = sight.maps.queries;
  sight.maps.causal = false;
  sight.maps = explain::merge_words(sight.maps);
  return sight;
}

TagEvaluation Tagger::evaluate(const std::filesystem::path& data, const data::ReadOptions& read) const {
  const TagOptions defaults;
  const TagOptions& options = config().training ? *config().training : defaults;
  const RawSentences raw =
      read_sentences(data, tagged_options(data, options.format, options.tag_column, read), &config().tags);
  TagEvaluation result =
      evaluation_of(model(), config().tags, encoded(raw.sentences, content_->reader()), DType::f32);
  result.skipped = raw.skipped;
  return result;
}

}  // namespace attend::task

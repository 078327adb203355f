#include "attend/task/text_classifier.h"

#include <fmt/format.h>

#include <utility>

#include "attend/base/error.h"
#include "attend/model/weights.h"
#include "task/classify/data.h"
#include "task/classify/evaluate.h"
#include "task/classify/predict.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"
#include "task/precision.h"

namespace attend::task {

namespace {

/// Where texts and labels stand in files like those that the model was trained on.
data::LabelledTextOptions columns_of(const ClassifyConfig& config) {
  data::LabelledTextOptions options;
  options.labels.clear();
  for (const data::LabelSet& column : config.columns) options.labels.push_back(column.column());
  if (!config.training) return options;
  options.text = config.training->text;
  options.header = config.training->header;
  return options;
}

}  // namespace

struct TextClassifier::Content {
  ClassifyConfig config;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<model::SequenceClassifier> model;
};

TextClassifier::TextClassifier(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_classify_config(folder);
  content_->tokenizer = load_encoder_tokenizer(folder, content_->config.model.encoder.vocabulary);
  content_->model = std::make_unique<model::SequenceClassifier>(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

TextClassifier::~TextClassifier() = default;
TextClassifier::TextClassifier(TextClassifier&&) noexcept = default;
TextClassifier& TextClassifier::operator=(TextClassifier&&) noexcept = default;

const ClassifyConfig& TextClassifier::config() const {
  return content_->config;
}
const model::SequenceClassifier& TextClassifier::model() const {
  return *content_->model;
}
const data::Tokenizer& TextClassifier::tokenizer() const {
  return *content_->tokenizer;
}
const std::vector<data::LabelSet>& TextClassifier::columns() const {
  return content_->config.columns;
}

std::vector<std::vector<ClassAnswer>> TextClassifier::classify(std::span<const std::string> texts) const {
  const model::SequenceClassifierConfig& config = model().config();
  data::TokenSequences sequences;
  for (const std::string& text : texts)
    sequences.add(read_text(tokenizer(), text, config.encoder.context).ids);
  const auto values = log_probabilities(model(), sequences, DType::f32);
  std::vector<std::vector<ClassAnswer>> answers(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (std::size_t q = 0; q < values.size(); ++q)
      answers[i].push_back(answer_of(values[q], static_cast<std::int64_t>(i), config.classes[q]));
  return answers;
}

ClassifyEvaluation TextClassifier::evaluate(const std::filesystem::path& data,
                                            const data::ReadOptions& read) const {
  data::LabelledTextOptions options = columns_of(config());
  options.read = read;
  const RawTexts raw(data, options, columns());
  const LabelledSequences texts = encoded(raw, 0, raw.size(), tokenizer(), model().config().encoder.context);
  ClassifyEvaluation result = evaluation_of(model(), columns(), texts, DType::f32);
  result.skipped = raw.skipped();
  return result;
}

explain::WordScores TextClassifier::see(std::string_view text, std::int64_t question) const {
  if (question < 0 || question >= static_cast<std::int64_t>(columns().size()))
    throw Error(fmt::format("question {}: this model has {}, counted from 0", question, columns().size()));
  const auto q = static_cast<std::size_t>(question);
  const ClassAnswer answer = classify(std::vector<std::string>{std::string(text)})[0][q];
  explain::WordScores scores = why(model(), tokenizer(), text, question, answer.label);
  const data::LabelSet& column = columns()[q];
  scores.title =
      fmt::format("{}: {}, {:.1f} %", column.column(), column.names()[static_cast<std::size_t>(answer.label)],
                  100 * answer.probability());
  return scores;
}

}  // namespace attend::task

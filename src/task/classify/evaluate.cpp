#include "task/classify/evaluate.h"

#include <algorithm>
#include <cmath>

#include "task/classify/predict.h"

namespace attend::task {

ClassAnswer answer_of(const std::vector<float>& log_probabilities, std::int64_t i, std::int64_t classes) {
  ClassAnswer answer;
  for (std::int64_t c = 0; c < classes; ++c)
    answer.probabilities.push_back(
        std::exp(static_cast<double>(log_probabilities[static_cast<std::size_t>(i * classes + c)])));
  answer.label = std::ranges::max_element(answer.probabilities) - answer.probabilities.begin();
  return answer;
}

ClassifyEvaluation evaluation_of(const model::SequenceClassifier& model,
                                 const std::vector<data::LabelSet>& columns, const LabelledSequences& texts,
                                 DType compute) {
  return evaluation_of(log_probabilities(model, texts.texts, compute), columns, texts);
}

ClassifyEvaluation evaluation_of(const std::vector<std::vector<float>>& values,
                                 const std::vector<data::LabelSet>& columns, const LabelledSequences& texts) {
  ClassifyEvaluation result;
  result.texts = texts.texts.size();
  result.cut = texts.cut;
  for (std::size_t q = 0; q < columns.size(); ++q) {
    std::vector<std::int64_t> predicted;
    std::vector<double> confidence;
    std::vector<bool> correct;
    for (std::int64_t i = 0; i < texts.texts.size(); ++i) {
      const ClassAnswer answer = answer_of(values[q], i, columns[q].size());
      predicted.push_back(answer.label);
      confidence.push_back(answer.probability());
      correct.push_back(answer.label == texts.labels[q][static_cast<std::size_t>(i)]);
    }
    ColumnEvaluation column;
    column.column = columns[q].column();
    column.labels = columns[q].names();
    column.loss = mean_loss({values[q]}, {texts.labels[q]});
    column.score = metric::classification_score(texts.labels[q], predicted, columns[q].size());
    column.calibration = metric::calibration(confidence, correct);
    result.columns.push_back(std::move(column));
  }
  return result;
}

}  // namespace attend::task

#pragma once

#include <vector>

#include "attend/data/label_set.h"
#include "attend/task/classify_evaluation.h"
#include "attend/task/text_classifier.h"
#include "task/classify/data.h"

namespace attend::task {

/// The most likely class of text i, and the probabilities of all, from log-probabilities [texts, classes].
ClassAnswer answer_of(const std::vector<float>& log_probabilities, std::int64_t i, std::int64_t classes);

/// How well the labels of texts are told, by log-probabilities [texts, classes] of each question.
ClassifyEvaluation evaluation_of(const std::vector<std::vector<float>>& values,
                                 const std::vector<data::LabelSet>& columns, const LabelledSequences& texts);
/// The same of a model.
ClassifyEvaluation evaluation_of(const model::SequenceClassifier& model,
                                 const std::vector<data::LabelSet>& columns, const LabelledSequences& texts,
                                 DType compute);

}  // namespace attend::task

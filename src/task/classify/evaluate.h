#pragma once

#include <vector>

#include "attend/data/label_set.h"
#include "attend/task/classify_evaluation.h"
#include "attend/task/text_classifier.h"
#include "task/classify/data.h"

namespace attend::task {

/// The most likely class of text i, and the probabilities of all, from log-probabilities [texts, classes].
ClassAnswer answer_of(const std::vector<float>& log_probabilities, std::int64_t i, std::int64_t classes);

/// How well a model tells the labels of texts.
ClassifyEvaluation evaluation_of(const model::SequenceClassifier& model,
                                 const std::vector<data::LabelSet>& columns, const LabelledSequences& texts,
                                 DType compute);

}  // namespace attend::task

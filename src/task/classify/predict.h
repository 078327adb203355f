#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/sequences.h"
#include "attend/data/tokenizer.h"
#include "attend/explain/word_scores.h"
#include "attend/model/sequence_classifier.h"

namespace attend::task {

/// For each question the log-probabilities [texts, classes], row-major, in the order of the texts; computed
/// in batches of similar length.
std::vector<std::vector<float>> log_probabilities(const model::SequenceClassifier& model,
                                                  const data::TokenSequences& texts, DType compute);

/// The mean over the questions and texts of -log p(label); labels[q][i] is the class of text i.
double mean_loss(const std::vector<std::vector<float>>& log_probabilities,
                 const std::vector<std::vector<std::int64_t>>& labels);

/// Why the classifier gives class `answer` to question `question`: for each word of the text (as far as it is
/// read) the weights of the pooling, if it has learned ones; the gradient of the class's logit times the
/// token embedding; and how much less likely the class is when the word is hidden. Throws Error for a text
/// without a word.
explain::WordScores why(const model::SequenceClassifier& model, const data::Tokenizer& tokenizer,
                        std::string_view text, std::int64_t question, std::int64_t answer);

}  // namespace attend::task

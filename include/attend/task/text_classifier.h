#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/label_set.h"
#include "attend/data/records.h"
#include "attend/data/tokenizer.h"
#include "attend/explain/word_scores.h"
#include "attend/model/sequence_classifier.h"
#include "attend/task/classify.h"
#include "attend/task/classify_evaluation.h"

namespace attend::task {

/// The answer to one question about a text.
struct ClassAnswer {
  std::int64_t label = 0;             ///< the most likely class
  std::vector<double> probabilities;  ///< of all classes

  double probability() const { return probabilities[static_cast<std::size_t>(label)]; }
};

/// A trained model of the task "classify", to be used.
class TextClassifier {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, damaged or
  /// misfit weights (NaN included), and a missing or damaged tokenizer.
  explicit TextClassifier(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~TextClassifier();
  TextClassifier(TextClassifier&&) noexcept;
  TextClassifier& operator=(TextClassifier&&) noexcept;

  const ClassifyConfig& config() const;
  const model::SequenceClassifier& model() const;
  const data::Tokenizer& tokenizer() const;
  /// The questions: the columns it was trained on, with their labels.
  const std::vector<data::LabelSet>& columns() const;

  /// answers[i][q]: to question q about text i. Throws Error for a text that the tokenizer does not take.
  std::vector<std::vector<ClassAnswer>> classify(std::span<const std::string> texts) const;

  /// Classifies the texts of a file whose columns have the names of those it was trained on. A label that it
  /// does not know is a bad record.
  ClassifyEvaluation evaluate(const std::filesystem::path& data, const data::ReadOptions& read = {}) const;

  /// Which words led to the answer to question q. Throws Error for a text without a word, and for a question
  /// that there is not.
  explain::WordScores see(std::string_view text, std::int64_t question = 0) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attend::metric {

/// A question as it was answered.
struct AnsweredQuestion {
  /// "" says that the text has no answer.
  std::string prediction;
  /// The right answers, any of which will do; none: the question has no answer.
  std::vector<std::string> answers;
  /// The probability, or any score that grows with it, that there is no answer.
  double no_answer = 0;
};

/// What both metrics of SQuAD say of one question, from 0 to 1.
struct AnswerMatch {
  double exact = 0, f1 = 0;
};

struct AnswerScore {
  struct Group {
    /// Percentages.
    double exact = 0, f1 = 0;
    std::int64_t questions = 0;
  };
  Group all, with_answer, without_answer;
};

/// An answer as SQuAD compares it: lower case, without ASCII punctuation, without the words a, an and the,
/// words separated by one space.
std::string normalize_answer(std::string_view text);

/// The best match of any answer: exact equality, and F1 of the words that are shared, both after
/// normalisation. Answers that normalise to nothing are left out; if none is left, the prediction must be
/// empty too.
AnswerMatch match_answer(const AnsweredQuestion& question);

/// SQuAD 2.0's exact match and F1 (Rajpurkar et al., 2018). A question whose `no_answer` is above `threshold`
/// counts as answered with "". Throws Error when there is no question, a text is not UTF-8, or a number is
/// NaN.
AnswerScore answer_score(std::span<const AnsweredQuestion> questions, double threshold = 1);

struct AnswerThreshold {
  /// Percentage of F1 (or exact match) that the threshold reaches.
  double score = 0;
  double threshold = 0;
};

/// The thresholds that SQuAD's own script finds best, by exact match and by F1: starting from no question
/// being answered, they are answered in the order of `no_answer`, and the threshold is where the sum is
/// largest.
struct BestThresholds {
  AnswerThreshold exact, f1;
};
BestThresholds best_thresholds(std::span<const AnsweredQuestion> questions);

}  // namespace attend::metric

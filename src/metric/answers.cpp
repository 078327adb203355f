#include "attend/metric/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "attend/base/error.h"
#include "data/utf8.h"
#include "metric/text.h"

namespace attend::metric {
namespace {

bool is_ascii_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

bool is_article(std::string_view word) {
  return word == "a" || word == "an" || word == "the";
}

/// The text with a space for each article. An article stands between characters that are in no word, of which
/// combining marks are some.
std::string without_articles(std::string_view text) {
  std::string result;
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t end = i;
    while (end < text.size()) {
      const auto [value, length] = data::first_code_point(text.substr(end));
      if (!is_word(value)) break;
      end += length;
    }
    const std::string_view word = text.substr(i, end - i);
    result += is_article(word) ? " " : word;
    if (end < text.size()) {
      const std::size_t length = data::first_code_point(text.substr(end)).length;
      result += text.substr(end, length);
      end += length;
    }
    i = end;
  }
  return result;
}

double word_f1(std::string_view prediction, std::string_view answer) {
  const auto ours = split(prediction);
  const auto theirs = split(answer);
  if (ours.empty() || theirs.empty()) return ours.empty() == theirs.empty() ? 1 : 0;
  std::unordered_map<std::string_view, std::int64_t> left;
  for (std::string_view word : theirs) ++left[word];
  double shared = 0;
  for (std::string_view word : ours)
    if (left[word]-- > 0) ++shared;
  if (shared == 0) return 0;
  const double precision = shared / static_cast<double>(ours.size());
  const double recall = shared / static_cast<double>(theirs.size());
  return 2 * precision * recall / (precision + recall);
}

void check(std::span<const AnsweredQuestion> questions) {
  if (questions.empty()) throw Error("answers: no questions; at least one is needed");
  for (std::size_t i = 0; i < questions.size(); ++i) {
    check_utf8(questions[i].prediction, fmt::format("answers: the prediction for question {}", i + 1));
    for (const std::string& answer : questions[i].answers)
      check_utf8(answer, fmt::format("answers: an answer to question {}", i + 1));
    if (std::isnan(questions[i].no_answer))
      throw Error(fmt::format("answers: no_answer of question {} is nan; it must be a number", i + 1));
  }
}

void add(AnswerScore::Group& group, const AnswerMatch& match) {
  group.exact += match.exact;
  group.f1 += match.f1;
  ++group.questions;
}

void finish(AnswerScore::Group& group) {
  if (group.questions == 0) return;
  group.exact *= 100 / static_cast<double>(group.questions);
  group.f1 *= 100 / static_cast<double>(group.questions);
}

AnswerThreshold best_threshold(std::span<const AnsweredQuestion> questions,
                               const std::vector<double>& scores) {
  double sum = 0;
  for (const AnsweredQuestion& question : questions)
    if (question.answers.empty()) ++sum;
  std::vector<std::size_t> order(questions.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [questions](std::size_t a, std::size_t b) {
    return questions[a].no_answer < questions[b].no_answer;
  });
  AnswerThreshold best{sum, 0};
  for (std::size_t i : order) {
    const AnsweredQuestion& question = questions[i];
    if (!question.answers.empty()) {
      sum += scores[i];
    } else if (!question.prediction.empty()) {
      sum -= 1;
    }
    if (sum > best.score) best = {sum, question.no_answer};
  }
  best.score *= 100 / static_cast<double>(questions.size());
  return best;
}

}  // namespace

std::string normalize_answer(std::string_view text) {
  check_utf8(text, "answers: the text");
  std::string result = lower(text);
  result.erase(std::remove_if(result.begin(), result.end(), is_ascii_punctuation), result.end());
  const std::string words = without_articles(result);
  return join(split(words));
}

AnswerMatch match_answer(const AnsweredQuestion& question) {
  const std::string prediction = normalize_answer(question.prediction);
  AnswerMatch best;
  bool has_answer = false;
  for (const std::string& text : question.answers) {
    const std::string answer = normalize_answer(text);
    if (answer.empty()) continue;
    has_answer = true;
    best.exact = std::max(best.exact, prediction == answer ? 1.0 : 0.0);
    best.f1 = std::max(best.f1, word_f1(prediction, answer));
  }
  if (!has_answer && prediction.empty()) best = {1, 1};
  return best;
}

AnswerScore answer_score(std::span<const AnsweredQuestion> questions, double threshold) {
  check(questions);
  if (std::isnan(threshold)) throw Error("answers: threshold is nan; it must be a number");
  AnswerScore result;
  for (const AnsweredQuestion& question : questions) {
    AnswerMatch match = match_answer(question);
    if (question.no_answer > threshold) {
      const double right = question.answers.empty() ? 1 : 0;
      match = {right, right};
    }
    add(result.all, match);
    add(question.answers.empty() ? result.without_answer : result.with_answer, match);
  }
  finish(result.all);
  finish(result.with_answer);
  finish(result.without_answer);
  return result;
}

BestThresholds best_thresholds(std::span<const AnsweredQuestion> questions) {
  check(questions);
  std::vector<double> exact;
  std::vector<double> f1;
  for (const AnsweredQuestion& question : questions) {
    const AnswerMatch match = match_answer(question);
    exact.push_back(match.exact);
    f1.push_back(match.f1);
  }
  return {best_threshold(questions, exact), best_threshold(questions, f1)};
}

}  // namespace attend::metric

#include "attend/explain/word_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "attend/base/error.h"
#include "explain/html.h"
#include "explain/paint.h"
#include "explain/token_text.h"

namespace attend::explain {

namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string_view word_text(const WordScores& scores, std::size_t i) {
  return std::string_view(scores.text)
      .substr(scores.words[i].begin, scores.words[i].end - scores.words[i].begin);
}

/// The largest absolute score, at least a tiny one.
double scale_of(const WordScores::Measure& measure) {
  double most = 1e-30;
  for (const double score : measure.scores) most = std::max(most, std::abs(score));
  return most;
}

/// The words with the largest absolute scores, largest first.
std::vector<std::size_t> strongest(const WordScores::Measure& measure, int count) {
  std::vector<std::size_t> order(measure.scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return std::abs(measure.scores[a]) > std::abs(measure.scores[b]);
  });
  order.resize(std::min(order.size(), static_cast<std::size_t>(std::max(0, count))));
  return order;
}

}  // namespace

std::vector<WordScores::Word> words_of(std::string_view text) {
  std::vector<WordScores::Word> words;
  for (std::size_t i = 0; i < text.size();) {
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    words.push_back({begin, i});
  }
  return words;
}

std::vector<double> merged_scores(std::string_view text, const std::vector<WordScores::Word>& words,
                                  const std::vector<std::string>& pieces, std::span<const double> scores) {
  if (words.empty()) throw Error("scores of words in a text without a word");
  if (pieces.size() != scores.size())
    throw Error(fmt::format("{} scores for {} pieces of a text", scores.size(), pieces.size()));
  std::vector<double> merged(words.size());
  std::size_t place = 0, word = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (text.substr(place, pieces[i].size()) != pieces[i])
      throw Error(fmt::format("piece {} is not what stands at byte {} of the text", i, place));
    const double part = scores[i] / static_cast<double>(std::max<std::size_t>(1, pieces[i].size()));
    for (std::size_t byte = 0; byte < pieces[i].size(); ++byte, ++place) {
      while (word + 1 < words.size() && place >= words[word].end) ++word;
      merged[word] += part;
    }
    if (pieces[i].empty()) merged[word] += scores[i];
  }
  if (place != text.size())
    throw Error(fmt::format("pieces of {} bytes for a text of {}", place, text.size()));
  return merged;
}

void check(const WordScores& scores) {
  std::size_t end = 0;
  for (const WordScores::Word& word : scores.words) {
    if (word.begin < end || word.end <= word.begin || word.end > scores.text.size())
      throw Error(fmt::format("a word from byte {} to {} after byte {} in a text of {}", word.begin, word.end,
                              end, scores.text.size()));
    end = word.end;
  }
  for (const WordScores::Measure& measure : scores.measures) {
    if (measure.scores.size() != scores.words.size())
      throw Error(fmt::format("{} scores for {} words", measure.scores.size(), scores.words.size()));
    for (const double score : measure.scores)
      if (!std::isfinite(score)) throw Error("a score of a word that is no finite number");
  }
}

namespace {

std::string measure_text(const WordScores& scores, const WordScores::Measure& measure,
                         const TerminalOptions& options) {
  const Paint paint(options);
  const TokenStyle style = options.unicode ? TokenStyle::kQuote : TokenStyle::kAscii;
  const double most = scale_of(measure);
  std::string out = paint.bold(measure.name) + paint.dim("  " + measure.meaning) + "\n ";
  int column = 1;
  for (std::size_t i = 0; i < scores.words.size(); ++i) {
    const std::string word =
        fit(show_token(word_text(scores, i), style), options.width - 3, options.unicode ? "…" : "~");
    const std::size_t behind = i == 0 ? 0 : scores.words[i - 1].end;
    const bool on_next_line =
        i > 0 && std::string_view(scores.text).substr(behind, scores.words[i].begin - behind).find('\n') !=
                     std::string_view::npos;
    if (on_next_line || (column > 1 && column + 1 + display_width(word) > options.width)) {
      out += "\n ";
      column = 1;
    }
    const double score = measure.scores[i];
    out += ' ';
    out += score < 0 ? paint.dim(word) : paint.chip(word, static_cast<float>(score / most));
    column += 1 + display_width(word);
  }
  out += "\n";
  for (const std::size_t i : strongest(measure, options.top))
    out += fmt::format("  {:+.4f}  {}\n", measure.scores[i],
                       fit(show_token(word_text(scores, i), style), std::max(8, options.width - 11),
                           options.unicode ? "…" : "~"));
  return out;
}

std::string measure_html(const WordScores& scores, const WordScores::Measure& measure) {
  const double most = scale_of(measure);
  std::string out =
      fmt::format("<section class=\"card\"><h2>{}</h2><p class=\"note\">{}</p>\n<p class=\"words\">",
                  escape_html(measure.name), escape_html(measure.meaning));
  std::size_t place = 0;
  const auto plain = [&](std::size_t end) {
    out +=
        escape_html(show_token(std::string_view(scores.text).substr(place, end - place), TokenStyle::kText));
    place = end;
  };
  for (std::size_t i = 0; i < scores.words.size(); ++i) {
    plain(scores.words[i].begin);
    const double score = measure.scores[i];
    out += fmt::format("<span style=\"background: rgb({} / {:.1f}%)\" title=\"{:+.4f}\">",
                       score < 0 ? "212 101 11" : "37 99 235", 55 * std::abs(score) / most, score);
    plain(scores.words[i].end);
    out += "</span>";
  }
  plain(scores.text.size());
  return out + "</p></section>\n";
}

}  // namespace

std::string to_terminal(const WordScores& scores, const TerminalOptions& options) {
  check(scores);
  std::string out;
  if (!scores.title.empty()) out += show_token(scores.title, TokenStyle::kQuote) + "\n";
  for (const auto& measure : scores.measures) out += measure_text(scores, measure, options);
  return out;
}

std::string to_html(const WordScores& scores) {
  check(scores);
  std::string body;
  for (const auto& measure : scores.measures) body += measure_html(scores, measure);
  return plain_page(
      scores.title.empty() ? "What decided" : scores.title,
      "The words that decided: blue ones speak for the answer, orange ones against it. Point at a word "
      "for its number.",
      body);
}

std::string to_json(const WordScores& scores) {
  check(scores);
  nlohmann::ordered_json object = {{"format", "attend-word-scores"},
                                   {"version", 1},
                                   {"title", scores.title},
                                   {"text", scores.text},
                                   {"words", nlohmann::ordered_json::array()},
                                   {"measures", nlohmann::ordered_json::array()}};
  for (std::size_t i = 0; i < scores.words.size(); ++i)
    object["words"].push_back({{"text", std::string(word_text(scores, i))},
                               {"begin", scores.words[i].begin},
                               {"end", scores.words[i].end}});
  for (const auto& measure : scores.measures)
    object["measures"].push_back(
        {{"name", measure.name}, {"meaning", measure.meaning}, {"scores", measure.scores}});
  return object.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace attend::explain

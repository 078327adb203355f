#include "attend/task/converser.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "attend/base/error.h"
#include "attend/metric/references.h"
#include "attend/task/text_to_text_model.h"
#include "task/converse/config.h"
#include "task/option_ranges.h"

namespace attend::task {

namespace fs = std::filesystem;

struct Converser::Content {
  Content(const fs::path& folder, std::string_view precision)
      : config(read_converse_config(folder)),
        search(folder / kSearchFolder, precision),
        answers(data::EmbeddingIndex::load(folder / kAnswersFile)) {
    search.check_index(answers, (folder / kAnswersFile).string());
    if (config.paragraphs > 0) {
      paragraphs = data::EmbeddingIndex::load(folder / kDocumentsFile);
      search.check_index(*paragraphs, (folder / kDocumentsFile).string());
    }
    if (config.generates) generator.emplace(folder / kGeneratorFolder, precision);
  }

  std::vector<Source> sources(const std::string& query, std::int64_t count) const;

  ConverseConfig config;
  TextSearch search;
  data::EmbeddingIndex answers;
  std::optional<data::EmbeddingIndex> paragraphs;
  std::optional<TextToText> generator;
};

/// The best answers and paragraphs together.
std::vector<Source> Converser::Content::sources(const std::string& query, std::int64_t count) const {
  const std::span<const std::string> one(&query, 1);
  std::vector<Source> all;
  const std::vector<std::vector<Found>> near = search.search(answers, one, count);
  for (const Found& found : near[0]) all.push_back({std::string(answers.text(found.text)), "", found.score});
  if (paragraphs) {
    const std::vector<std::vector<Found>> nearest = search.search(*paragraphs, one, count);
    for (const Found& found : nearest[0]) {
      const std::string_view text = paragraphs->text(found.text);
      const std::size_t tab = std::min(text.find('\t'), text.size());
      all.push_back({std::string(text.substr(std::min(tab + 1, text.size()))),
                     std::string(text.substr(0, tab)), found.score});
    }
  }
  std::ranges::stable_sort(all, std::ranges::greater{}, &Source::score);
  all.resize(std::min(all.size(), static_cast<std::size_t>(count)));
  return all;
}

Converser::Converser(const fs::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>(folder, precision)) {}

Converser::~Converser() = default;
Converser::Converser(Converser&&) noexcept = default;
Converser& Converser::operator=(Converser&&) noexcept = default;

const ConverseConfig& Converser::config() const {
  return content_->config;
}
const TextSearch& Converser::search() const {
  return content_->search;
}

Reply Converser::reply(std::span<const std::string> turns, const ReplyOptions& options) const {
  Range<std::int64_t>{1, 1 << 20}.check("turns", options.turns);
  Range<std::int64_t>{1, 1 << 20}.check("top-k", options.sources);
  if (turns.empty()) throw Error("nothing was said to reply to");
  if (options.generate && !content_->generator)
    throw Error("this model has no generator: train it with --generate");
  Reply reply;
  const std::size_t used = std::min(turns.size(), static_cast<std::size_t>(options.turns));
  for (const std::string& turn : turns.last(used)) {
    if (!reply.query.empty()) reply.query += ' ';
    reply.query += turn;
  }
  reply.sources = content_->sources(reply.query, options.sources);
  reply.text = reply.sources.front().text;
  if (!options.generate) return reply;
  reply.text = content_->generator->write(std::vector<std::string>{reply.query})[0][0].text;
  reply.generated = true;
  return reply;
}

ConverseEvaluation Converser::evaluate(const PairFiles& pairs, std::int64_t candidates,
                                       const ReplyOptions& options) const {
  ConverseEvaluation result;
  const SearchEvaluation search = content_->search.evaluate(pairs, candidates);
  result.search = search.scores;
  result.skipped = search.skipped;
  const TextPairs texts = read_pairs(pairs);
  std::vector<std::string> replies;
  for (const std::string& question : texts.sources)
    replies.push_back(reply(std::span(&question, 1), options).text);
  result.pairs = static_cast<std::int64_t>(replies.size());
  result.bleu = metric::corpus_bleu(replies, metric::single_references(texts.targets));
  result.rouge = metric::mean_rouge(replies, texts.targets);
  return result;
}

explain::WordScores Converser::see(std::string_view question) const {
  return content_->search.see(question, content_->sources(std::string(question), 1).front().text);
}

}  // namespace attend::task

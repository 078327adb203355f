#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/explain/word_scores.h"
#include "attend/metric/bleu.h"
#include "attend/metric/rouge.h"
#include "attend/task/converse.h"
#include "attend/task/text_search.h"

namespace attend::task {

/// Something that was found for a reply.
struct Source {
  std::string text;
  std::string document;  ///< the file of a paragraph; empty: an answer of the pairs
  double score = 0;      ///< cosine with what was asked
};

struct Reply {
  std::string text;
  bool generated = false;       ///< written, and not one of `sources`
  std::string query;            ///< what was searched for: the last turns
  std::vector<Source> sources;  ///< the best first
};

struct ReplyOptions {
  std::int64_t turns = 2;    ///< so many turns of the user, the newest included, make the query
  std::int64_t sources = 3;  ///< most that are told
  bool generate = false;     ///< let the generator write; otherwise the best source is the reply
};

struct ConverseEvaluation {
  SearchScores search;  ///< an answer found by its question among candidates
  /// Of the replies to single questions, against the answers of the pairs.
  metric::BleuScore bleu;
  metric::RougeScore rouge;
  std::int64_t pairs = 0, skipped = 0;
};

/// A trained model of the task "converse", to be used.
class Converser {
 public:
  /// Reads a model folder. `precision` as TextSearch has it. Throws Error naming the file for a folder that
  /// is no model of this task, or damaged, and for indexes of another model.
  explicit Converser(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~Converser();
  Converser(Converser&&) noexcept;
  Converser& operator=(Converser&&) noexcept;

  const ConverseConfig& config() const;
  const TextSearch& search() const;

  /// The reply to the newest of the user's turns. Throws Error without turns, for options out of range, and
  /// when a model without a generator is to generate.
  Reply reply(std::span<const std::string> turns, const ReplyOptions& options = {}) const;

  /// Replies to the questions of pairs, each by itself.
  ConverseEvaluation evaluate(const PairFiles& pairs, std::int64_t candidates = 1000,
                              const ReplyOptions& options = {}) const;

  /// Which words of the question and of the best source made them alike.
  explain::WordScores see(std::string_view question) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task

#pragma once

#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "attend/decode/beam_search.h"

namespace attend::decode {

inline constexpr double kNever = -std::numeric_limits<double>::infinity();

/// What a step says of the rows of one source.
struct RowScores {
  float* log_probabilities;  ///< [rows, vocabulary]; may be written to
  std::int64_t vocabulary;
  const double* attention;  ///< [rows, width], or null
  std::int64_t width;
};

/// The search for one source.
class Hypotheses {
 public:
  /// `number` tells sources apart that draw their tokens.
  Hypotheses(std::int64_t source_length, const BeamOptions& options, std::uint64_t number);

  bool is_done() const { return live_.empty(); }
  std::int64_t rows() const { return static_cast<std::int64_t>(live_.size()); }
  /// Of each row that goes on: its newest token, and its row among those of the step before.
  std::int32_t token(std::int64_t row) const { return nodes_[index(live_[index(row)].node)].token; }
  std::int32_t parent(std::int64_t row) const { return live_[index(row)].parent; }

  /// Takes a step; `first_row` is the place of its first row among those of all sources.
  void advance(const RowScores& scores, std::int32_t first_row);

  /// Those that have finished, best first. `attention` has one tensor [rows, width] for each step, or none.
  std::vector<Hypothesis> finished(std::span<const Tensor> attention) const;

 private:
  /// A token of a hypothesis and the one before it.
  struct Node {
    std::int32_t token, before, row;
    double log_probability;
  };
  struct Live {
    std::int32_t node, parent;
    double log_probability;
    std::vector<double> coverage;
  };
  struct Candidate {
    double log_probability;
    std::int32_t row, token;
  };
  class BestCandidates;
  struct Finished {
    std::int32_t node;
    double score, log_probability;
    bool was_cut;
  };

  template <class Integer>
  static std::size_t index(Integer i) {
    return static_cast<std::size_t>(i);
  }
  std::vector<std::int32_t> tokens_to(std::int32_t node) const;
  void forbid(float* scores, std::int64_t row, std::int64_t vocabulary) const;
  std::vector<Candidate> best(const RowScores& scores) const;
  std::vector<Candidate> drawn(const RowScores& scores);
  void finish(const Candidate& candidate, const RowScores& scores, std::int32_t first_row);
  void go_on(std::vector<Candidate> chosen, const RowScores& scores, std::int32_t first_row);
  std::int32_t add_node(const Candidate& candidate, const RowScores& scores, std::int32_t first_row);
  std::vector<double> covered(const Candidate& candidate, const RowScores& scores) const;
  double length_penalty(std::int64_t tokens) const;
  bool can_improve() const;

  const BeamOptions& options_;
  std::optional<Sampler> sampler_;
  std::int64_t source_length_, most_tokens_, length_ = 0, finished_count_ = 0;
  std::vector<Node> nodes_;
  std::vector<Live> live_;
  std::vector<Finished> finished_;
};

}  // namespace attend::decode

#include "attend/decode/beam_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "decode/hypotheses.h"
#include "decode/scores.h"

namespace attend::decode {

void validate(const BeamOptions& options) {
  const auto require = [](bool holds, std::string_view name, double found, std::string_view accepted) {
    if (!holds) throw Error(fmt::format("{} {}: {} accepted", name, found, accepted));
  };
  const auto real = [](std::int64_t value) { return static_cast<double>(value); };
  const auto in_range = [](double value) { return value >= 0 && std::isfinite(value); };
  constexpr std::int64_t kMany = 1 << 30;
  require(options.start >= 0, "start token", options.start, "0 or more");
  require(options.end >= 0, "end token", options.end, "0 or more");
  require(options.beam >= 1 && options.beam <= 10000, "beam", real(options.beam), "1 to 10000");
  require(options.n_best >= 1 && options.n_best <= options.beam, "n-best", real(options.n_best), "1 to beam");
  require(in_range(options.length_penalty), "length penalty", options.length_penalty, "0 or more");
  require(in_range(options.coverage_penalty), "coverage penalty", options.coverage_penalty, "0 or more");
  require(options.max_length >= 0 && options.max_length <= kMany, "max length", real(options.max_length),
          "0 to 2^30");
  require(in_range(options.max_ratio), "max ratio", options.max_ratio, "0 or more");
  require(options.max_extra >= 0 && options.max_extra <= kMany, "max extra", real(options.max_extra),
          "0 to 2^30");
  require(options.min_length >= 0, "min length", real(options.min_length), "0 or more");
  require(options.no_repeat >= 0, "no-repeat", real(options.no_repeat), "0 or more");
  if (!options.sampling) return;
  validate(*options.sampling);
  require(options.beam == 1, "beam", real(options.beam), "1 with sampling");
}

namespace {

/// All sources of a search.
class Search {
 public:
  Search(std::span<const std::int64_t> source_lengths, const BeamOptions& options) : options_(options) {
    for (const std::int64_t length : source_lengths) {
      if (length < 0) throw Error(fmt::format("beam search: a source of {} tokens given", length));
      sources_.emplace_back(length, options_, sources_.size());
      longest_ = std::max(longest_, length);
    }
  }

  bool is_done() const {
    return std::ranges::all_of(sources_, [](const Hypotheses& source) { return source.is_done(); });
  }

  void advance(const StepFunction& step) {
    std::vector<std::int32_t> tokens, parents, first_rows;
    std::vector<Hypotheses*> active;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      Hypotheses& source = sources_[i];
      if (source.is_done()) continue;
      active.push_back(&source);
      first_rows.push_back(static_cast<std::int32_t>(tokens.size()));
      for (std::int64_t row = 0; row < source.rows(); ++row) {
        tokens.push_back(source.token(row));
        parents.push_back(rows_before_[i] + source.parent(row));
      }
      rows_before_[i] = first_rows.back();
    }
    const Step answer = step(tokens, parents);
    const Tensor scores = log_probabilities_of(answer.scores, static_cast<std::int64_t>(tokens.size()));
    const std::int64_t vocabulary = scores.dim(1);
    if (options_.end >= vocabulary)
      throw Error(fmt::format("end token {}: the model's vocabulary has {}", options_.end, vocabulary));
    const Tensor attention = attention_of(answer, static_cast<std::int64_t>(tokens.size()));
    if (attention.defined()) attention_.push_back(attention);
    parallel_for(static_cast<std::int64_t>(active.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int32_t first = first_rows[static_cast<std::size_t>(i)];
        const std::int64_t width = attention.defined() ? attention.dim(1) : 0;
        active[static_cast<std::size_t>(i)]->advance(
            {.log_probabilities = scores.data<float>() + first * vocabulary,
             .vocabulary = vocabulary,
             .attention = attention.defined() ? attention.data<double>() + first * width : nullptr,
             .width = width},
            first);
      }
    });
  }

  std::vector<std::vector<Hypothesis>> results() const {
    std::vector<std::vector<Hypothesis>> result;
    for (const Hypotheses& source : sources_) result.push_back(source.finished(attention_));
    return result;
  }

  void begin() {
    rows_before_.resize(sources_.size());
    std::iota(rows_before_.begin(), rows_before_.end(), 0);
  }

 private:
  // f64 [rows, width], or undefined.
  Tensor attention_of(const Step& answer, std::int64_t rows) const {
    if (!answer.attention.defined()) {
      if (options_.coverage_penalty > 0)
        throw Error("coverage penalty: the model's steps do not tell where it looked (Step::attention)");
      if (!attention_.empty()) throw Error("beam search: one step told its attention, another did not");
      return {};
    }
    return checked_attention(answer.attention, rows, longest_);
  }

  const BeamOptions& options_;
  std::vector<Hypotheses> sources_;
  std::vector<std::int32_t> rows_before_;  ///< of each source, its first row in the step before
  std::vector<Tensor> attention_;
  std::int64_t longest_ = 0;
};

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(std::span<const std::int64_t> source_lengths,
                                                 const StepFunction& step, const BeamOptions& options) {
  validate(options);
  const autograd::NoGrad no_grad;
  Search search(source_lengths, options);
  search.begin();
  while (!search.is_done()) search.advance(step);
  return search.results();
}

}  // namespace attend::decode

#include "attend/decode/beam_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "decode/toy_model.h"
#include "support/expect_error.h"

namespace attend::decode::test {
namespace {

BeamOptions with_tokens(BeamOptions options) {
  options.start = kStart;
  options.end = kEnd;
  return options;
}

bool better(const Scored& a, const Scored& b) {
  return a.score > b.score;
}

/// Every sequence that the options allow, best first.
std::vector<Scored> all_sequences(const ToyModel& model, std::size_t source, const BeamOptions& options) {
  std::vector<Scored> result;
  const std::int64_t most = most_tokens(model.source_lengths[source], options);
  const auto visit = [&](const auto& self, const Tokens& tokens, double log_probability) -> void {
    const auto steps = model.log_probabilities(source, tokens);
    std::vector<std::int32_t> allowed;
    for (std::int32_t token = 0; token < model.vocabulary; ++token)
      if (may_follow(tokens, token, options, most)) allowed.push_back(token);
    if (allowed.empty() || (static_cast<std::int64_t>(tokens.size()) == most)) allowed = {kEnd};
    for (const std::int32_t token : allowed) {
      const double sum = log_probability + steps[static_cast<std::size_t>(token)];
      if (token == kEnd) {
        result.push_back({tokens, score_of(model, source, tokens, sum, options), sum});
      } else {
        Tokens longer = tokens;
        longer.push_back(token);
        self(self, longer, sum);
      }
    }
  };
  visit(visit, {}, 0);
  std::sort(result.begin(), result.end(), better);
  return result;
}

/// Beam search as its definition says, without stopping early, on one source.
std::vector<Scored> plain_beam_search(const ToyModel& model, std::size_t source, const BeamOptions& options) {
  struct Candidate {
    Tokens tokens;
    bool is_end;
    double log_probability;
  };
  const std::int64_t most = most_tokens(model.source_lengths[source], options);
  std::vector<Scored> done;
  std::vector<Candidate> live = {{{}, false, 0}};
  while (!live.empty()) {
    std::vector<Candidate> candidates;
    for (const Candidate& from : live) {
      const auto steps = model.log_probabilities(source, from.tokens);
      bool has_other = false;
      for (std::int32_t token = 1; token < model.vocabulary; ++token) {
        if (!may_follow(from.tokens, token, options, most)) continue;
        has_other = true;
        candidates.push_back(
            {from.tokens, false, from.log_probability + steps[static_cast<std::size_t>(token)]});
        candidates.back().tokens.push_back(token);
      }
      if (!has_other || may_follow(from.tokens, kEnd, options, most))
        candidates.push_back({from.tokens, true, from.log_probability + steps[kEnd]});
    }
    std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return a.log_probability > b.log_probability;
    });
    live.clear();
    for (std::size_t rank = 0; rank < candidates.size(); ++rank) {
      const Candidate& c = candidates[rank];
      if (c.is_end && rank < static_cast<std::size_t>(options.beam))
        done.push_back(
            {c.tokens, score_of(model, source, c.tokens, c.log_probability, options), c.log_probability});
      if (!c.is_end && live.size() < static_cast<std::size_t>(options.beam)) live.push_back(c);
    }
  }
  std::stable_sort(done.begin(), done.end(), better);
  return done;
}

/// Found hypotheses are the first of the expected ones, and all that is said of them holds.
void expect_found(const std::vector<Hypothesis>& found, const std::vector<Scored>& expected,
                  const ToyModel& model, std::size_t source, const ToySteps& steps,
                  const BeamOptions& options) {
  ASSERT_EQ(found.size(), std::min(expected.size(), static_cast<std::size_t>(options.n_best)));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Hypothesis& h = found[i];
    EXPECT_EQ(h.tokens, expected[i].tokens) << "source " << source << ", rank " << i;
    EXPECT_NEAR(h.score, expected[i].score, 1e-5);
    EXPECT_NEAR(h.log_probability, expected[i].log_probability, 1e-5);
    EXPECT_EQ(h.was_cut, static_cast<std::int64_t>(h.tokens.size()) ==
                             most_tokens(model.source_lengths[source], options));
    ASSERT_EQ(h.rows.size(), h.tokens.size() + 1);
    ASSERT_EQ(h.log_probabilities.size(), h.tokens.size() + 1);
    double sum = 0;
    for (std::size_t t = 0; t <= h.tokens.size(); ++t) {
      const Tokens before(h.tokens.begin(), h.tokens.begin() + static_cast<std::ptrdiff_t>(t));
      const auto& row = steps.history.at(t).at(static_cast<std::size_t>(h.rows[t]));
      EXPECT_EQ(row.source, source);
      EXPECT_EQ(row.tokens, before);
      const std::int32_t token = t < h.tokens.size() ? h.tokens[t] : kEnd;
      EXPECT_NEAR(h.log_probabilities[t],
                  model.log_probabilities(source, before)[static_cast<std::size_t>(token)], 1e-5);
      sum += h.log_probabilities[t];
      if (!steps.tells_attention) continue;
      const std::int64_t width = model.source_lengths[source];
      const auto looked = model.attention(source, before, width);
      for (std::int64_t j = 0; j < width; ++j)
        EXPECT_EQ(h.attention.data<double>()[static_cast<std::int64_t>(t) * width + j],
                  looked[static_cast<std::size_t>(j)]);
    }
    EXPECT_NEAR(sum, h.log_probability, 1e-9);
  }
}

const BeamOptions kVariants[] = {
    {.length_penalty = 0},
    {.length_penalty = 0.6},
    {.length_penalty = 2},
    {.coverage_penalty = 0.3},
    {.max_ratio = 0.6, .max_extra = 1},
    {.min_length = 2},
    {.no_repeat = 1},
    {.no_repeat = 2},
    {.min_length = 3, .no_repeat = 1, .never = {2}},
};

TEST(BeamSearch, WithRoomForAllFindsTheBestOfAllSequences) {
  for (const BeamOptions& variant : kVariants)
    for (const std::uint64_t seed : {1, 2}) {
      BeamOptions options = with_tokens(variant);
      options.max_length = 4;
      options.beam = options.n_best = 400;
      const ToyModel model{.seed = seed, .source_lengths = {3, 1, 5}};
      ToySteps steps{model, true};
      const auto found = beam_search(model.source_lengths, std::ref(steps), options);
      ASSERT_EQ(found.size(), 3U);
      for (std::size_t source = 0; source < 3; ++source)
        expect_found(found[source], all_sequences(model, source, options), model, source, steps, options);
    }
}

TEST(BeamSearch, StopsEarlyWithoutLosingAnything) {
  std::size_t steps_taken = 0, steps_possible = 0;
  for (const BeamOptions& variant : kVariants)
    for (const std::int64_t beam : {1, 2, 3, 5})
      for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
        BeamOptions options = with_tokens(variant);
        options.max_length = 9;
        options.beam = beam;
        options.n_best = (beam + 1) / 2;
        const ToyModel model{.vocabulary = 6, .seed = seed, .source_lengths = {4, 12, 1, 7}};
        ToySteps steps{model, options.coverage_penalty > 0};
        const auto found = beam_search(model.source_lengths, std::ref(steps), options);
        for (std::size_t source = 0; source < 4; ++source)
          expect_found(found[source], plain_beam_search(model, source, options), model, source, steps,
                       options);
        steps_taken += steps.history.size();
        steps_possible += 10;
      }
  EXPECT_LT(steps_taken, steps_possible * 9 / 10);
}

TEST(BeamSearch, EnoughStopsAtOnceWhenBeamHaveFinished) {
  const ToyModel model{.vocabulary = 6, .seed = 3, .source_lengths = {4, 2}};
  for (const Stop stop : {Stop::exact, Stop::enough}) {
    BeamOptions options = with_tokens({.beam = 3, .length_penalty = 2, .max_length = 30, .stop = stop});
    ToySteps steps{model};
    const auto found = beam_search(model.source_lengths, std::ref(steps), options);
    ASSERT_EQ(found[0].size(), 1U);
    if (stop == Stop::exact)
      EXPECT_EQ(steps.history.size(), 31U);  // a long one could still be best
    else
      EXPECT_LT(steps.history.size(), 20U);
  }
}

TEST(BeamSearch, OfOneHypothesisIsGreedy) {
  const ToyModel model{.vocabulary = 9, .seed = 5, .source_lengths = {2, 2, 2}};
  ToySteps steps{model};
  const auto found =
      beam_search(model.source_lengths, std::ref(steps), with_tokens({.beam = 1, .max_length = 20}));
  for (std::size_t source = 0; source < 3; ++source) {
    Tokens tokens;
    while (tokens.size() < 20) {
      const auto scores = model.scores(source, tokens);
      const auto token = static_cast<std::int32_t>(std::ranges::max_element(scores) - scores.begin());
      if (token == kEnd) break;
      tokens.push_back(token);
    }
    EXPECT_EQ(found[source].at(0).tokens, tokens);
  }
}

TEST(BeamSearch, RowsThatGoOnStayWhereTheyAre) {
  const ToyModel model{.vocabulary = 8, .seed = 9, .source_lengths = {2, 2}};
  ToySteps steps{model};
  std::size_t moved = 0, all = 0;
  const StepFunction counting = [&](std::span<const std::int32_t> tokens,
                                    std::span<const std::int32_t> parents) {
    if (steps.history.size() > 1 && tokens.size() == steps.history.back().size())
      for (std::size_t i = 0; i < parents.size(); ++i, ++all) {
        const auto parent = static_cast<std::size_t>(parents[i]);
        moved += parent != i ? 1 : 0;
        // A row that moves continues one that stays.
        EXPECT_EQ(static_cast<std::size_t>(parents[parent]), parent);
      }
    return steps(tokens, parents);
  };
  beam_search(model.source_lengths, counting, with_tokens({.beam = 4, .max_length = 20, .min_length = 20}));
  EXPECT_GT(all, 100U);
  EXPECT_LT(moved, all * 7 / 10);
}

TEST(BeamSearch, NoSequenceOfTokensRepeats) {
  for (const std::int64_t n : {1, 2, 3}) {
    const ToyModel model{.vocabulary = 4, .seed = 11, .source_lengths = {2}};
    ToySteps steps{model};
    const auto found = beam_search(
        model.source_lengths, std::ref(steps),
        with_tokens({.beam = 3, .n_best = 3, .max_length = 30, .min_length = 30, .no_repeat = n}));
    for (const Hypothesis& h : found[0]) {
      std::set<Tokens> seen;
      for (std::size_t i = 0; i + static_cast<std::size_t>(n) <= h.tokens.size(); ++i)
        EXPECT_TRUE(seen.insert({h.tokens.begin() + static_cast<std::ptrdiff_t>(i),
                                 h.tokens.begin() + static_cast<std::ptrdiff_t>(i) + n})
                        .second);
      // Three tokens allow no more: the end came in spite of min_length.
      EXPECT_LE(h.tokens.size(), n == 1 ? 3U : n == 2 ? 10U : 29U);
      EXPECT_FALSE(h.tokens.empty());
    }
  }
}

TEST(BeamSearch, DrawsTokensByTheirProbability) {
  const ToyModel model{.vocabulary = 4, .seed = 2, .sharpness = 1, .source_lengths = {2}};
  const auto expected = model.log_probabilities(0, {});
  const auto draw = [&](const SamplerOptions& sampling) {
    const std::vector<std::int64_t> sources(4000, 2);
    const ToyModel same{.vocabulary = 4, .seed = 2, .sharpness = 1, .source_lengths = sources};
    const StepFunction step = [&](std::span<const std::int32_t> tokens, std::span<const std::int32_t>) {
      std::vector<float> scores;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        const auto more = same.scores(0, tokens[i] == kStart ? Tokens{} : Tokens{tokens[i]});
        scores.insert(scores.end(), more.begin(), more.end());
      }
      return Step{.scores = Tensor::from(scores, {static_cast<std::int64_t>(tokens.size()), 4})};
    };
    return beam_search(sources, step, with_tokens({.beam = 1, .max_length = 1, .sampling = sampling}));
  };
  const auto found = draw({.seed = 7});
  std::vector<double> counts(4, 0);
  for (const auto& source : found) {
    const Tokens& tokens = source.at(0).tokens;
    ++counts[tokens.empty() ? std::size_t{kEnd} : static_cast<std::size_t>(tokens[0])];
    EXPECT_NEAR(source[0].log_probabilities[0],
                expected[tokens.empty() ? 0 : static_cast<std::size_t>(tokens[0])], 1e-5);
  }
  double statistic =
      0;  // Pearson's; chance exceeds 25 less than once in ten thousand for 3 degrees of freedom
  for (std::size_t token = 0; token < 4; ++token) {
    const double wanted = 4000 * std::exp(expected[token]);
    statistic += (counts[token] - wanted) * (counts[token] - wanted) / wanted;
  }
  EXPECT_FALSE(!(statistic <= 25)) << statistic;
  const auto tokens_of = [](const auto& results) {
    std::vector<Tokens> tokens;
    for (const auto& source : results) tokens.push_back(source.at(0).tokens);
    return tokens;
  };
  EXPECT_EQ(tokens_of(found), tokens_of(draw({.seed = 7})));
  EXPECT_NE(tokens_of(found), tokens_of(draw({.seed = 8000})));
  const auto greedy = static_cast<std::int32_t>(std::ranges::max_element(expected) - expected.begin());
  for (const auto& source : draw({.temperature = 0}))
    EXPECT_EQ(source.at(0).tokens, greedy == kEnd ? Tokens{} : Tokens{greedy});
}

TEST(BeamSearch, DamagedScoresAndStepsThatDoNotFit) {
  const auto search = [](const Tensor& scores, const Tensor& attention = {}, BeamOptions options = {}) {
    const std::vector<std::int64_t> sources = {2, 3};
    return beam_search(
        sources,
        [&](auto, auto) {
          return Step{scores, attention};
        },
        with_tokens(std::move(options)));
  };
  const auto with = [](float value) {
    return Tensor::from(std::vector<float>{1, 2, 3, 1, value, 3}, {2, 3});
  };
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_ERROR(search(with(std::numeric_limits<float>::quiet_NaN())), "NaN or infinite");
  EXPECT_ERROR(search(with(infinity)), "NaN or infinite");
  EXPECT_NO_THROW(search(with(-infinity), {}, {.max_length = 0}));
  EXPECT_ERROR(search(Tensor::full({2, 3}, -infinity)), "probability 0");
  EXPECT_ERROR(search(Tensor::zeros({3, 3})), "scores f32 [3, 3] of the next tokens: [2, vocabulary]");
  EXPECT_ERROR(search(Tensor()), "scores undefined");
  EXPECT_ERROR(search(Tensor::zeros({2, 3}, DType::i32)), "i32");
  EXPECT_ERROR(search(Tensor::zeros({2, 3}), {}, {.coverage_penalty = 1}), "do not tell where it looked");
  EXPECT_ERROR(search(Tensor::zeros({2, 3}), Tensor::zeros({2, 2})), "attention f32 [2, 2] of a step: [2, 3");
  const std::vector<std::int64_t> sources = {-1};
  EXPECT_ERROR(beam_search(
                   sources, [](auto, auto) { return Step{}; }, with_tokens({})),
               "-1 tokens");
  BeamOptions far = with_tokens({});
  far.end = 3;
  const std::vector<std::int64_t> one = {1};
  EXPECT_ERROR(beam_search(
                   one,
                   [](auto, auto) {
                     return Step{Tensor::zeros({1, 3})};
                   },
                   far),
               "end token 3");
  EXPECT_TRUE(beam_search(
                  {}, [](auto, auto) { return Step{}; }, with_tokens({}))
                  .empty());
}

TEST(BeamOptionsTest, EveryValueOutOfRangeIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(validate(with_tokens({})));
  EXPECT_ERROR(validate(BeamOptions{.end = 1}), "start token -1");
  EXPECT_ERROR(validate(BeamOptions{.start = 1}), "end token -1");
  EXPECT_ERROR(validate(with_tokens({.beam = 0})), "beam 0");
  EXPECT_ERROR(validate(with_tokens({.beam = 2, .n_best = 3})), "n-best 3");
  EXPECT_ERROR(validate(with_tokens({.n_best = 0})), "n-best 0");
  for (const double bad : {-0.1, nan}) {
    EXPECT_ERROR(validate(with_tokens({.length_penalty = bad})), "length penalty");
    EXPECT_ERROR(validate(with_tokens({.coverage_penalty = bad})), "coverage penalty");
    EXPECT_ERROR(validate(with_tokens({.max_ratio = bad})), "max ratio");
  }
  EXPECT_ERROR(validate(with_tokens({.max_length = -1})), "max length -1");
  EXPECT_ERROR(validate(with_tokens({.min_length = -1})), "min length -1");
  EXPECT_ERROR(validate(with_tokens({.no_repeat = -1})), "no-repeat -1");
  EXPECT_ERROR(validate(with_tokens({.sampling = SamplerOptions{}})), "beam 4: 1 with sampling");
  EXPECT_ERROR(validate(with_tokens({.beam = 1, .sampling = SamplerOptions{.top_p = 0}})), "top-p");
}

}  // namespace
}  // namespace attend::decode::test

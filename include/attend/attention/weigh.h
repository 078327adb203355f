#pragma once

#include <cstdint>

namespace attend::attention {

/// Step 3: how do the scores of one query over the keys it may look at become weights? A query that may look
/// at none gets zeros.
struct Weigh {
  enum class Kind : std::uint8_t {
    softmax,    ///< e^s / (sum + e^sink)
    sigmoid,    ///< 1 / (1 + e^-(s + sigmoid_bias)), each key by itself (Ramapuram et al. 2024)
    sparsemax,  ///< the nearest point of the simplex (Martins and Astudillo 2016)
    entmax15,   ///< entmax with alpha 1.5 (Peters et al. 2019)
    top_k,      ///< softmax over the `count` largest scores (Gupta et al. 2021)
    hard,       ///< 1 for the largest score; backward as softmax (straight-through, Bengio et al. 2013)
    gumbel,     ///< softmax of (s + Gumbel noise) / temperature in training, hard = that, rounded to one
                ///< key with straight-through gradient; argmax outside training (Jang et al. 2017)
    reinforce,  ///< one key drawn with softmax probability in training, argmax outside; backward is the
                ///< score-function estimate with a running-mean baseline (Xu et al. 2015)
  };
  Kind kind = Kind::softmax;
  /// Scores are divided by it first.
  double temperature = 1;
  /// Keys that top_k keeps.
  std::int64_t count = 8;
  double sigmoid_bias = 0;
  /// Parameters::sink_logits joins the sum of the softmax (Xiao et al. 2023; "off by one", Miller 2023).
  bool sink = false;
  /// Scores (before) and weights (after) are mixed between heads by Parameters::mix_scores and mix_weights
  /// (Shazeer et al., "Talking-Heads Attention", 2020).
  bool talking_heads = false;
  /// Probability that a weight is dropped in training; the others grow by 1 / (1 - dropout).
  double dropout = 0;
};

}  // namespace attend::attention

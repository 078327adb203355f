#pragma once

#include <cstdint>

namespace attend::attention {

/// Step 3: how do the scores of one query over the keys it may look at become weights? A query that may look
/// at none gets zeros.
struct Weigh {
  enum class Kind : std::uint8_t {
    softmax,    ///< e^s / (sum + e^sink)
    sigmoid,    ///< 1 / (1 + e^-(s + sigmoid_bias)), each key by itself (Ramapuram et al. 2024)
    sparsemax,  ///< the nearest point of the simplex (Martins and Astudillo 2016; attend/op/sparsemax.h)
    entmax15,   ///< entmax with alpha 1.5 (Peters et al. 2019; attend/op/sparsemax.h)
    top_k,      ///< softmax over the `count` largest scores, of equal ones the first keys (Gupta et al. 2021)
    hard,  ///< 1 for the largest score, the first of equals; backward as softmax (straight-through, Bengio et
           ///< al. 2013)
    gumbel,     ///< softmax of (s + Gumbel noise) / temperature in training, as `hard` outside (Jang et al.
                ///< 2017)
    reinforce,  ///< 1 for a key drawn with softmax probability in training, as `hard` outside. The weights
                ///< have no gradient: the loss of attend/attention/reinforce.h has it (Xu et al. 2015)
  };
  Kind kind = Kind::softmax;
  /// Scores are divided by it first; above 0.
  double temperature = 1;
  /// gumbel: in training the largest weight is rounded to 1 and the others to 0, the gradient stays that of
  /// the soft weights.
  bool straight_through = false;
  /// Keys that top_k keeps.
  std::int64_t count = 8;
  double sigmoid_bias = 0;
  /// Parameters::sink_logits, not divided by the temperature, joins the sum of softmax and top_k (Xiao et al.
  /// 2023; "off by one", Miller 2023).
  bool sink = false;
  /// Scores (before) and weights (after) are mixed between heads by Parameters::mix_scores and mix_weights
  /// (Shazeer et al., "Talking-Heads Attention", 2020): s'_h = sum_g mix_scores[h, g] s_g, where head h may
  /// look; scores of -infinity count as 0.
  bool talking_heads = false;
  /// Probability that a weight is dropped in training; the others grow by 1 / (1 - dropout).
  double dropout = 0;
};

}  // namespace attend::attention

#pragma once

#include <cstdint>
#include <memory>

namespace attend::attention {

class ScoreFunction;

/// Step 1: how alike are a query q and a key k of one head?
struct Score {
  enum class Kind : std::uint8_t {
    dot,  ///< scale * q . k (Vaswani et al., "Attention Is All You Need", 2017; scale 1: Luong et al. 2015)
    bilinear,   ///< scale * q W k, `bilinear` W (Luong et al., "Effective Approaches ...", 2015, "general")
    additive,   ///< vector . tanh(query_weight q + key_weight k) (Bahdanau et al. 2015; Luong's "concat")
    cosine,     ///< q . k / (|q| |k|) / temperature (Liu et al., "Swin Transformer V2", 2022)
    euclidean,  ///< -scale * |q - k|^2
    pearson,    ///< scale * correlation of the elements of q and k
  };
  Kind kind = Kind::dot;
  /// The factor; 0 means 1 / sqrt(d) for dot, bilinear and euclidean and sqrt(d) for pearson. Additive and
  /// cosine scores have none.
  double scale = 0;
  /// Above 0, the score becomes soft_cap * tanh(score / soft_cap) (Gemma 2, 2024), before any bias.
  double soft_cap = 0;
  /// A function of the user's own over the score with its position bias (attend/attention/score_function.h).
  std::shared_ptr<const ScoreFunction> function = nullptr;
};

}  // namespace attend::attention

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace attend::attention {

/// A mask of the user's own: true where the query at place `query` may look at `key`. Tables made from it are
/// kept for as long as calls use this object: make it once.
struct MaskFunction {
  std::function<bool(std::int64_t query, std::int64_t key)> allows;
};

/// Step 2: may query i look at key j, and does their distance matter? Both sequences end together: query i
/// stands at place p = i + keys - queries. Every condition that is set must hold.
struct Place {
  enum class Mask : std::uint8_t {
    none,    ///< every key
    causal,  ///< keys up to the query's own place: j <= p
  };
  Mask mask = Mask::none;
  /// Causal except for the first `prefix` keys, which every query sees (Raffel et al. 2020).
  std::int64_t prefix = 0;
  /// Above 0: |p - j| < window (Beltagy et al., "Longformer", 2020).
  std::int64_t window = 0;
  /// Keys whose distance is a multiple of this (Beltagy et al. 2020; Child et al. 2019); with a window, that
  /// many kept distances on each side.
  std::int64_t dilation = 1;
  /// The first `global_tokens` places see every key and are seen by every query, whatever window, dilation
  /// and blocks say (Longformer, BigBird).
  std::int64_t global_tokens = 0;
  /// Block-sparse attention (Zaheer et al., "Big Bird", 2020): in units of blocks of `block` places, a query
  /// sees `window_blocks` blocks around its own, the first and last `global_blocks`, and `random_blocks`
  /// drawn with `seed`. With a causal mask the last blocks are like any other. 0: not block-sparse.
  std::int64_t block = 0, window_blocks = 3, global_blocks = 1, random_blocks = 2;
  std::uint64_t seed = 0;
  std::shared_ptr<const MaskFunction> function = nullptr;

  /// What distance adds to the score.
  enum class Positions : std::uint8_t {
    none,
    alibi,  ///< -slope_h |p - j|, slopes 2^(-8 h / heads), h from 1 (Press et al., "Train Short, Test Long",
            ///< 2022)
    alibi_learned,  ///< the same, slopes in Parameters::slopes
    buckets,        ///< Parameters::bucket_bias[h][bucket(j - p)] (Raffel et al., "T5", 2020)
    shaw,  ///< scale * q . relative_keys[clip(j - p)], and relative_values read too (Shaw et al. 2018)
    transformer_xl,  ///< scale * ((q + content_bias) . k + (q + position_bias) . r_(p - j)) (Dai et al. 2019)
    span,            ///< log of the soft mask clamp((span_ramp + z_h - |p - j|) / span_ramp, 0, 1), z_h =
           ///< span_limit * Parameters::span[h] (Sukhbaatar et al., "Adaptive Attention Span", 2019)
    grid,  ///< Parameters::grid_bias[h][row(j) - row(p)][column(j) - column(p)]: places are those of a grid,
           ///< row after row (Liu et al., "Swin Transformer", 2021)
  };
  Positions positions = Positions::none;
  /// Buckets of `buckets`, and the distance from which all share the last one. Half of them are for keys
  /// after the query, unless the mask is causal; then such keys (of a prefix) share the first one.
  std::int64_t bucket_count = 32, bucket_distance = 128;
  /// Distances beyond this are clipped to it (shaw).
  std::int64_t clip = 16;
  /// Width R of the soft edge, and the longest span S, in places (span).
  double span_ramp = 32;
  std::int64_t span_limit = 1024;
  /// Columns of the grid, and its rows: those farther apart are taken for grid_rows - 1 apart (grid).
  std::int64_t grid_rows = 8, grid_columns = 8;
};

/// True when the places of query and key decide anything: with any mask, function or positions. What does not
/// depend on them can attend from one sequence to another.
bool depends_on_places(const Place& place);

}  // namespace attend::attention

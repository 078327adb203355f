#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace attend::explain {

/// The attention weights of every layer and head for one text, apart from the model that made them.
struct AttentionMaps {
  /// The text of each token. May be any bytes: "\n", " ", half of a UTF-8 character. For self-attention the
  /// two lists are equal.
  std::vector<std::string> queries, keys;
  std::int64_t layers = 0, heads = 0;
  /// [layers, heads, queries, keys], row-major. A row is how one query shares its attention among the keys:
  /// its entries are in [0, 1] and sum to 1 (a fully masked row is all zeros).
  std::vector<float> weights;
  /// No query sees a later key. Query i stands at the place of key i + keys - queries.
  bool causal = true;
  /// Shown above every picture, for example the name of the model. May be empty.
  std::string title;
};

/// Largest number of query or key tokens that the displays accept.
inline constexpr std::int64_t kMaxTokens = 16384;

/// Throws Error, naming what is wrong, unless there is at least one layer, head, query and key, at most
/// kMaxTokens tokens, as many weights as the shape says, and every weight is a finite number in [0, 1] (with
/// room for the rounding of bfloat16). Every picture calls it first.
void check(const AttentionMaps& maps);

/// The same but for the range: any finite weight.
void check_shape(const AttentionMaps& maps);

/// Maps that pictures take: weights outside [0, 1], as heads that talk mix them, become 0 or 1, and the title
/// says what the range was. Others stay as they are. Throws Error if check_shape(maps) does.
AttentionMaps drawable(AttentionMaps maps);

/// The [queries, keys] weights of one head, or their mean over the heads of the layer when `head` is empty.
/// Layers and heads are counted from 0. Throws Error naming the range when there is no such layer or head.
std::vector<float> head_weights(const AttentionMaps& maps, std::int64_t layer,
                                std::optional<std::int64_t> head);

}  // namespace attend::explain

#pragma once

#include <string>

#include "attend/explain/attention_maps.h"

namespace attend::explain {

/// The maps as one JSON object (UTF-8, ending in a newline) for other programs:
///
///     {"format": "attend-attention-maps", "version": 1,
///      "title": "...", "causal": true,
///      "axes": ["layer", "head", "query", "key"], "shape": [L, H, Q, K],
///      "queries": ["the", " cat", ...], "keys": [...],
///      "query_bytes": {"7": "e282"}, "key_bytes": {...},
///      "weights": [[[[1.0, 0.0, ...], ...], ...], ...]}
///
/// `weights[l][h][q][k]` has the fewest digits that give back the same 32-bit float. JSON text must be UTF-8,
/// so a token with other bytes shows them as \xNN in `queries` or `keys`, and `query_bytes` or `key_bytes`
/// gives all its bytes in hexadecimal under the token's index. Weights may be any finite numbers. Throws
/// Error if `check_shape(maps)` does.
std::string to_json(const AttentionMaps& maps);

}  // namespace attend::explain

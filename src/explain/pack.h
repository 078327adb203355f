#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace attend::explain {

/// Base64 (RFC 4648).
std::string base64(const std::uint8_t* bytes, std::size_t size);

/// Base64 of the zlib stream (RFC 1950) of the bytes: what a page can hold as text and a browser
/// unpacks with DecompressionStream("deflate"). Throws Error when memory runs out.
std::string pack(const std::vector<std::uint8_t>& bytes);

/// Weights in [0, 1] as 16-bit numbers round(65535 w), all high bytes before all low bytes: attention is
/// mostly near zero, so the first half compresses to almost nothing.
std::vector<std::uint8_t> quantise(const std::vector<float>& weights);

/// A small picture of a [queries, keys] matrix: colour indices of `side` x `side` tiles, each tile showing
/// the largest of its weights.
std::vector<std::uint8_t> thumbnail(const std::vector<float>& weights, std::int64_t queries,
                                    std::int64_t keys, std::int64_t side);

}  // namespace attend::explain

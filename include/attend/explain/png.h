#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "attend/explain/attention_maps.h"
#include "attend/explain/color_map.h"

namespace attend::explain {

struct PngOptions {
  std::optional<std::int64_t> layer =
      std::nullopt;  ///< counted from 0; empty: every layer, one below the other
  std::optional<std::int64_t> head = std::nullopt;  ///< counted from 0; empty: every head, side by side
  bool mean = false;                                ///< instead of heads, the mean over them
  int cell = 0;  ///< pixels of the side of one weight; 0: as large as a picture of about 2000 pixels allows
  Theme theme = Theme::kLight;
};

/// A PNG file, in memory, with a heat map of each chosen layer (down) and head (across); in each, queries go
/// down and keys across. Where a text has more tokens than the picture has pixels, a pixel shows the largest
/// of its weights. Throws Error if `check(maps)` does, for a layer or head that does not exist, for a cell
/// under 0 or over 256 and for a picture of over 16384 pixels a side.
std::vector<std::byte> to_png(const AttentionMaps& maps, const PngOptions& options = {});

}  // namespace attend::explain

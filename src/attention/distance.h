#pragma once

#include <vector>

#include "attend/attention/place.h"

/// What the files of positions share about the distance of query and key.
namespace attend::attention {

/// 2^(-8 h / heads) for h = 1, ..., heads.
std::vector<double> alibi_slopes(std::int64_t heads);

/// Throws Error unless Place::clip is from 1.
void check_clip(const Place& place);

}  // namespace attend::attention

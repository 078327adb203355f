#pragma once

#include <cstdint>
#include <vector>

/// What the files of positions share about the distance of query and key.
namespace attend::attention {

/// 2^(-8 h / heads) for h = 1, ..., heads.
std::vector<double> alibi_slopes(std::int64_t heads);

}  // namespace attend::attention

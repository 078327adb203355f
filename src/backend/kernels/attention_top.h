#pragma once

#include <cstdint>

namespace attend::backend {

/// Most weights of a query that AttentionObserve::top can ask for.
constexpr std::int64_t kMostTop = 64;

}  // namespace attend::backend

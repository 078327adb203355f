#include "attend/train/precision.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace attend::train {

PrecisionTiming faster_precision(const std::function<void(DType)>& step, int rounds) {
  using Clock = std::chrono::steady_clock;
  const auto timed = [&](DType dtype) {
    const Clock::time_point start = Clock::now();
    step(dtype);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  PrecisionTiming result;
  result.f32_seconds = result.bf16_seconds = std::numeric_limits<double>::infinity();
  timed(DType::f32);
  timed(DType::bf16);
  for (int round = 0; round < std::max(rounds, 1); ++round) {
    result.f32_seconds = std::min(result.f32_seconds, timed(DType::f32));
    result.bf16_seconds = std::min(result.bf16_seconds, timed(DType::bf16));
  }
  if (result.bf16_seconds < result.f32_seconds) result.faster = DType::bf16;
  return result;
}

}  // namespace attend::train

#include "attend/train/precision.h"

#include <gtest/gtest.h>

#include <vector>

namespace attend::train {
namespace {

TEST(Precision, TimesBothInTurn) {
  std::vector<DType> calls;
  const PrecisionTiming timing = faster_precision([&](DType dtype) { calls.push_back(dtype); }, 2);
  const std::vector<DType> expected = {DType::f32,  DType::bf16, DType::f32,
                                       DType::bf16, DType::f32,  DType::bf16};
  EXPECT_EQ(calls, expected);
  EXPECT_GE(timing.f32_seconds, 0);
  EXPECT_GE(timing.bf16_seconds, 0);
  EXPECT_EQ(timing.faster, timing.bf16_seconds < timing.f32_seconds ? DType::bf16 : DType::f32);
}

}  // namespace
}  // namespace attend::train

#include "attend/attention/recurrent.h"

#include <gtest/gtest.h>

#include "attend/op/shape.h"
#include "attention/steps.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Gather;
using attention::Place;
using attention::RecurrentState;
using test::random_tensor;

AttentionSpec spec_of(Gather::Kind kind) {
  AttentionSpec spec;
  spec.gather.kind = kind;
  spec.gather.features = 24;
  spec.place.mask = Place::Mask::causal;
  return spec;
}

TEST(RecurrentState, TokensOneByOneGiveWhatAllAtOnceGive) {
  constexpr std::int64_t kLength = 75;
  for (const Gather::Kind kind : {Gather::Kind::kernelised, Gather::Kind::performer})
    for (const auto& [dtype, tolerance] :
         {std::pair{DType::f64, 1e-11}, {DType::f32, 1e-4}, {DType::bf16, 1e-2}}) {
      const Tensor q = random_tensor({2, kLength, 4, 8}, dtype, 1, -2, 2);
      const Tensor k = random_tensor({2, kLength, 2, 8}, dtype, 2, -2, 2);
      const Tensor v = random_tensor({2, kLength, 2, 5}, dtype, 3);
      const AttentionSpec spec = spec_of(kind);
      const Tensor expected = attention::linear_attention(q, k, v, spec, {}, false);
      RecurrentState state(2, 2, 8, 5, dtype, spec);
      const std::int64_t bytes = state.bytes();
      std::vector<Tensor> answers;
      // A first piece of several chunks, then one token at a time, then two.
      for (std::int64_t begin = 0, n = 66; begin < kLength; begin += n, n = begin == kLength - 2 ? 2 : 1) {
        const auto piece = [&, first = begin, last = begin + n](const Tensor& x) {
          return op::slice(x, 1, first, last);
        };
        answers.push_back(state.step(piece(q), piece(k), piece(v)));
      }
      EXPECT_EQ(state.length(), kLength);
      EXPECT_EQ(state.bytes(), bytes);
      EXPECT_TRUE(test::close(op::concatenate(answers, 1), expected, tolerance, tolerance))
          << static_cast<int>(kind) << " " << name_of(dtype);
    }
}

TEST(RecurrentState, KeysThatGrowStayFinite) {
  RecurrentState state(1, 1, 8, 4, DType::f32, spec_of(Gather::Kind::performer));
  for (std::uint64_t i = 0; i < 30; ++i) {
    const double size = i % 2 == 0 ? 1 : static_cast<double>(i);
    const Tensor x = random_tensor({1, 1, 1, 8}, DType::f32, i, -size, size);
    for (const double y : state.step(x, x, random_tensor({1, 1, 1, 4}, DType::f32, i)).to_vector<double>())
      ASSERT_TRUE(y >= -1.001 && y <= 1.001) << y;
  }
}

TEST(RecurrentState, RefusesWhatDoesNotFit) {
  const AttentionSpec good = spec_of(Gather::Kind::kernelised);
  AttentionSpec not_causal = good, softmax, window = good;
  not_causal.place.mask = Place::Mask::none;
  softmax.place.mask = Place::Mask::causal;
  window.place.window = 4;
  EXPECT_ERROR(RecurrentState(1, 1, 8, 8, DType::f32, not_causal), "only causal kernelised and performer");
  EXPECT_ERROR(RecurrentState(1, 1, 8, 8, DType::f32, softmax), "only causal kernelised and performer");
  EXPECT_ERROR(RecurrentState(1, 1, 8, 8, DType::f32, window), "mask");
  EXPECT_ERROR(RecurrentState(1, 0, 8, 8, DType::f32, good), "heads 0");
  EXPECT_ERROR(RecurrentState(1, 1, 8, 8, DType::i32, good), "i32");
  RecurrentState state(1, 2, 8, 8, DType::f32, good);
  const auto zeros = [](const Shape& shape, DType dtype = DType::f32) { return Tensor::zeros(shape, dtype); };
  const Tensor key = zeros({1, 1, 2, 8});
  EXPECT_ERROR(state.step(zeros({1, 1, 3, 8}), key, key), "query f32 [1, 1, 3, 8]");
  EXPECT_ERROR(state.step(zeros({1, 2, 2, 8}), key, key), "query f32 [1, 2, 2, 8]");
  EXPECT_ERROR(state.step(zeros({2, 1, 2, 8}), key, key), "query f32 [2, 1, 2, 8]");
  EXPECT_ERROR(state.step(zeros({1, 0, 2, 8}), zeros({1, 0, 2, 8}), zeros({1, 0, 2, 8})), "[1, 0, 2, 8]");
  EXPECT_ERROR(state.step(zeros({1, 1, 4, 8}), zeros({1, 1, 4, 8}), key), "key f32 [1, 1, 4, 8]");
  EXPECT_ERROR(state.step(key, key, zeros({1, 1, 2, 7})), "value f32 [1, 1, 2, 7]");
  EXPECT_ERROR(state.step(key, key, zeros({1, 1, 2, 8}, DType::f64)), "value f64");
  EXPECT_EQ(state.length(), 0);
}

}  // namespace
}  // namespace attend

#include "attend/autograd/tape.h"

#include <gtest/gtest.h>

#include "attend/base/error.h"
#include "attend/op/linear.h"
#include "attend/op/matmul.h"
#include "support/compare.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

Tensor leaf(const Shape& shape, std::uint64_t seed) {
  Tensor t = random_tensor(shape, DType::f64, seed);
  autograd::set_requires_grad(t);
  return t;
}

TEST(Tape, AccumulatesOverUsesAndOverCalls) {
  const Tensor x = leaf({3, 3}, 1), cotangent = random_tensor({3, 3}, DType::f64, 2);
  const Tensor y = op::matmul(x, x);
  autograd::backward(y, cotangent);
  const Tensor once = autograd::grad(x).clone();
  autograd::backward(op::matmul(x, x), cotangent);
  const auto twice = autograd::grad(x).to_vector<double>(), single = once.to_vector<double>();
  for (std::size_t i = 0; i < twice.size(); ++i) EXPECT_DOUBLE_EQ(twice[i], 2 * single[i]);
}

TEST(Tape, GivesGradientsOfIntermediateResultsAndLeavesGradAlone) {
  const Tensor x = leaf({2, 3}, 3), w = leaf({4, 3}, 4);
  const Tensor hidden = op::linear(x, w), y = op::linear(hidden, random_tensor({2, 4}, DType::f64, 5));
  const Tensors g = autograd::gradients({y}, {hidden, x}, {random_tensor({2, 2}, DType::f64, 6)});
  EXPECT_TRUE(g[0].defined() && g[1].defined());
  EXPECT_EQ(g[0].shape(), hidden.shape());
  EXPECT_FALSE(autograd::grad(x).defined());
}

TEST(Tape, SecondWalkNeedsRetainGraph) {
  const Tensor x = leaf({1, 1}, 7);
  const Tensor y = op::matmul(x, x);
  autograd::backward(y, {}, {.retain_graph = true});
  autograd::backward(y);
  EXPECT_THROW(autograd::backward(y), Error);
}

TEST(Tape, NoGradRecordsNothing) {
  const Tensor x = leaf({2, 2}, 8);
  const autograd::NoGrad scope;
  EXPECT_FALSE(autograd::requires_grad(op::matmul(x, x)));
}

TEST(Tape, RefusesWhatHasNoMeaning) {
  EXPECT_THROW(autograd::set_requires_grad(Tensor::zeros({2}, DType::i32)), Error);
  const Tensor x = leaf({2, 2}, 9);
  EXPECT_THROW(autograd::backward(op::matmul(x, x)), Error);
  EXPECT_THROW(autograd::backward(Tensor::zeros({1})), Error);
  EXPECT_THROW(autograd::set_requires_grad(op::matmul(x, x)), Error);
}

TEST(Tape, CheckpointGivesTheSameGradientsWithLessMemory) {
  const Tensor w = leaf({64, 64}, 10);
  const auto segment = [&](const Tensors& in) {
    Tensor h = in[0];
    for (int i = 0; i < 8; ++i) h = op::linear(h, w);
    return Tensors{h};
  };
  const Tensor cotangent = random_tensor({256, 64}, DType::f64, 11, -1e-3, 1e-3);
  std::vector<Tensors> results;
  std::vector<std::int64_t> kept;
  for (const bool checkpointed : {false, true}) {
    autograd::clear_grad(w);
    const Tensor x = leaf({256, 64}, 12);
    const std::int64_t before = memory_use().current;
    const Tensor y = checkpointed ? autograd::checkpoint(segment, {x})[0] : segment({x})[0];
    kept.push_back(memory_use().current - before);
    autograd::backward(y, cotangent);
    results.push_back({y, autograd::grad(x), autograd::grad(w)});
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(test::same_bits(results[0][i], results[1][i]));
  EXPECT_LT(kept[1] * 4, kept[0]);
}

TEST(Tape, CheckpointMayReturnInputsAndLeavesAsTheyCame) {
  std::weak_ptr<Storage> memory;
  {
    const Tensor x = leaf({2, 2}, 20), w = leaf({2, 2}, 21), constant = random_tensor({2, 2}, DType::f64, 22);
    memory = x.storage();
    // Out: an input unchanged, a product, a leaf from outside, an input that needs no gradient, twice.
    const auto segment = [&](const Tensors& in) {
      return Tensors{in[0], op::matmul(in[0], w), w, in[1], in[1]};
    };
    Tensors cotangents;
    for (std::uint64_t i = 0; i < 5; ++i) cotangents.push_back(random_tensor({2, 2}, DType::f64, 30 + i));
    std::vector<Tensors> results;
    for (const bool checkpointed : {false, true}) {
      const Tensors out =
          checkpointed ? autograd::checkpoint(segment, {x, constant}) : segment({x, constant});
      const Tensors y = checkpointed ? out : Tensors{out[0], out[1], out[2]};
      const Tensors given(cotangents.begin(), cotangents.begin() + static_cast<std::ptrdiff_t>(y.size()));
      results.push_back(autograd::gradients(y, {x, w}, given));
      EXPECT_FALSE(autograd::grad(x).defined());
      EXPECT_FALSE(autograd::grad(w).defined());
      EXPECT_FALSE(autograd::requires_grad(constant));
    }
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(test::close(results[1][i], results[0][i], 1e-15, 1e-15));
    EXPECT_NO_THROW(autograd::set_requires_grad(w));  // still a leaf
  }
  EXPECT_TRUE(memory.expired());
}

TEST(Tape, CheckpointThatIsNeverWalkedIsFreed) {
  std::weak_ptr<Storage> memory;
  {
    const Tensor x = leaf({2, 2}, 23);
    memory = x.storage();
    const Tensors out = autograd::checkpoint([](const Tensors& in) { return in; }, {x});
    EXPECT_TRUE(autograd::requires_grad(out[0]));
  }
  EXPECT_TRUE(memory.expired());
}

TEST(Tape, GradientsOverACheckpointLeaveGradAlone) {
  const Tensor x = leaf({3, 4}, 24), w = leaf({4, 4}, 25), unasked = leaf({4, 4}, 26);
  const auto inner = [&](const Tensors& in) { return Tensors{op::matmul(in[0], w)}; };
  const auto outer = [&](const Tensors& in) {
    return Tensors{op::matmul(autograd::checkpoint(inner, {op::matmul(in[0], unasked)})[0], w)};
  };
  const Tensor cotangent = random_tensor({3, 4}, DType::f64, 27);
  const Tensors plain =
      autograd::gradients({op::matmul(inner({op::matmul(x, unasked)})[0], w)}, {x, w}, {cotangent});
  const Tensors walked = autograd::gradients(autograd::checkpoint(outer, {x}), {x, w}, {cotangent});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(test::same_bits(walked[i], plain[i])) << i;
  for (const Tensor& tensor : {x, w, unasked}) EXPECT_FALSE(autograd::grad(tensor).defined());
  autograd::backward(autograd::checkpoint(outer, {x})[0], cotangent);
  EXPECT_TRUE(test::same_bits(autograd::grad(w), plain[1]));
  EXPECT_TRUE(autograd::grad(unasked).defined());
}

TEST(Tape, LongChainsAreDestroyedWithoutRecursion) {
  Tensor h = leaf({1, 1}, 13);
  const Tensor one = Tensor::full({1, 1}, 1, DType::f64);
  for (int i = 0; i < 200000; ++i) h = op::matmul(h, one);
  h = Tensor();
  SUCCEED();
}

}  // namespace
}  // namespace attend

#include "attend/autograd/tape.h"

#include <gtest/gtest.h>

#include "attend/base/error.h"
#include "attend/op/linear.h"
#include "attend/op/matmul.h"
#include "support/compare.h"
#include "support/expect_error.h"
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

TEST(Tape, SumsOverAllUsesOfALeafAndOfAResult) {
  const Tensor x = Tensor::full({1, 1}, 3, DType::f64);
  autograd::set_requires_grad(x);
  const Tensor square = op::matmul(x, x);                          // two uses in one operation
  const Tensor fifth = op::matmul(op::matmul(square, x), square);  // one more, and two of a result
  const Tensor y = op::matmul(fifth, op::matmul(square, fifth));   // x^12
  EXPECT_EQ(y.item(), 531441);
  const Tensors g = autograd::gradients({y}, {x, square, fifth}, {}, {.retain_graph = true});
  EXPECT_EQ(g[0].item(), 12 * 177147);  // 12 x^11
  EXPECT_EQ(g[2].item(), 2 * 9 * 243);  // of f s f by f: 2 f s
  // By s, where f = s x s: y = x^2 s^5.
  EXPECT_EQ(g[1].item(), 5 * 9 * 6561);
  autograd::backward(y);
  EXPECT_EQ(autograd::grad(x).item(), 12 * 177147);
}

/// a + b, whose backward hands on its cotangent as it came, to both.
Tensor sum_of(const Tensor& a, const Tensor& b) {
  const Tensor y = Tensor::empty(a.shape(), a.dtype());
  for (std::int64_t i = 0; i < y.elements(); ++i)
    y.data<double>()[i] = a.data<double>()[i] + b.data<double>()[i];
  autograd::record("sum_of", {a, b}, {y}, [](const Tensors& g) { return Tensors{g[0], g[0]}; });
  return y;
}

TEST(Tape, NeverWritesIntoACotangent) {
  const Tensor x = leaf({2, 3}, 40), w = leaf({2, 3}, 41), cotangent = random_tensor({2, 3}, DType::f64, 42);
  const Tensor before = cotangent.clone();
  autograd::backward(sum_of(sum_of(x, x), sum_of(x, w)), cotangent);
  EXPECT_TRUE(test::same_bits(cotangent, before));
  EXPECT_TRUE(test::same_bits(autograd::grad(w), before));
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(autograd::grad(x).to_vector<double>()[i], 3 * before.to_vector<double>()[i]);
}

TEST(Tape, TakesGradientsThatAreViews) {
  // x as it is, read across: the gradient comes as a view with other strides.
  const auto across = [](const Tensor& x) {
    const Tensor y = x.view_as({3, 2}, {1, 3}).clone();
    autograd::record("across", {x}, {y}, [](const Tensors& g) {
      return Tensors{g[0].view_as({2, 3}, {1, 2})};
    });
    return y;
  };
  const Tensor cotangent = random_tensor({3, 2}, DType::f64, 43);
  const auto c = cotangent.to_vector<double>();
  for (const bool dense_first : {false, true}) {
    const Tensor x = leaf({2, 3}, 44), zero = Tensor::zeros({2, 3}, DType::f64);
    // Walked in the reverse order of recording.
    Tensor first = dense_first ? across(x) : sum_of(x, zero),
           second = dense_first ? sum_of(x, zero) : across(x);
    const Tensor dense = dense_first ? second : first, strided = dense_first ? first : second;
    const Tensors g =
        autograd::gradients({dense, strided}, {x}, {cotangent.view_as({2, 3}, {3, 1}).clone(), cotangent});
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < 3; ++j)
        EXPECT_EQ(g[0].to_vector<double>()[i * 3 + j], c[i * 3 + j] + c[j * 2 + i]) << dense_first;
  }
}

TEST(Tape, ScopesEndWithWhatWasBefore) {
  const Tensor x = leaf({1, 1}, 45);
  const auto records = [&] { return autograd::is_recording({x}); };
  EXPECT_TRUE(records());
  {
    const autograd::NoGrad outer;
    EXPECT_FALSE(records());
    {
      const autograd::WithGrad on;
      EXPECT_TRUE(records());
      {
        const autograd::NoGrad off;
        EXPECT_FALSE(records());
      }
      EXPECT_TRUE(records());
      { const autograd::WithGrad again; }
      EXPECT_TRUE(records());
    }
    EXPECT_FALSE(records());
    { const autograd::NoGrad again; }
    EXPECT_FALSE(records());
  }
  EXPECT_TRUE(records());
}

TEST(Tape, NamesGradientsThatDoNotFit) {
  const Tensor x = leaf({2, 2}, 46), c = random_tensor({2, 2}, DType::f64, 47);
  const auto wrong = [&](const Tensors& gradients) {
    const Tensor y = Tensor::zeros({2, 2}, DType::f64);
    autograd::record("wrong", {x}, {y}, [=](const Tensors&) { return gradients; });
    return y;
  };
  EXPECT_ERROR(autograd::backward(wrong({Tensor::zeros({4}, DType::f64)}), c),
               "backward of wrong: gradient f64 [4] of input 0 does not fit f64 [2, 2]");
  EXPECT_ERROR(autograd::backward(wrong({Tensor::zeros({2, 2})}), c), "gradient f32 [2, 2] of input 0");
  EXPECT_ERROR(autograd::backward(wrong({c, c}), c), "2 gradients for 1 inputs");
  const Tensor y = op::matmul(x, x);
  EXPECT_ERROR(autograd::backward(y, Tensor::zeros({4}, DType::f64)), "cotangent f64 [4]");
  EXPECT_ERROR(autograd::backward(y, Tensor::zeros({2, 2})), "cotangent f32 [2, 2]");
  EXPECT_ERROR(autograd::gradients({y, y}, {x}, {c}), "1 cotangents for 2 outputs");
  EXPECT_ERROR(autograd::set_grad(x, Tensor::zeros({4}, DType::f64)),
               "gradient f64 [4] for a tensor f64 [2, 2]");
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
  std::vector<std::int64_t> kept, peak;
  for (const bool checkpointed : {false, true}) {
    autograd::clear_grad(w);
    const Tensor x = leaf({256, 64}, 12);
    const std::int64_t before = memory_use().current;
    reset_peak_memory();
    const Tensor y = checkpointed ? autograd::checkpoint(segment, {x})[0] : segment({x})[0];
    kept.push_back(memory_use().current - before);
    peak.push_back(memory_use().peak - before);
    autograd::backward(y, cotangent);
    results.push_back({y, autograd::grad(x), autograd::grad(w)});
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(test::same_bits(results[0][i], results[1][i]));
  EXPECT_LT(kept[1] * 4, kept[0]);
  EXPECT_LT(peak[1] * 2, peak[0]);
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

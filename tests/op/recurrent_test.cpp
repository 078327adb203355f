#include "attend/op/recurrent.h"

#include <gtest/gtest.h>

#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/linear.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using op::RecurrentCell;
using test::random_tensor;

constexpr RecurrentCell kCells[] = {RecurrentCell::gru, RecurrentCell::lstm};

Tensor lengths_of(const std::vector<std::int32_t>& lengths) {
  return Tensor::from(lengths, {static_cast<std::int64_t>(lengths.size())});
}

Tensors all_of(const op::RecurrentResult& result) {
  Tensors all = {result.outputs, result.last.hidden};
  if (result.last.cell.defined()) all.push_back(result.last.cell);
  return all;
}

/// Input, weight, bias, hidden state and cell.
Tensors inputs_of(RecurrentCell cell, std::int64_t length, std::int64_t batch, std::int64_t width,
                  DType dtype = DType::f64) {
  const std::int64_t gates = op::gates_of(cell);
  Tensors inputs = {random_tensor({length, batch, gates * width}, dtype, 1, -2, 2),
                    random_tensor({gates * width, width}, dtype, 2), random_tensor({gates * width}, dtype, 3),
                    random_tensor({batch, width}, dtype, 4)};
  if (cell == RecurrentCell::lstm) inputs.push_back(random_tensor({batch, width}, dtype, 5));
  return inputs;
}

/// What stands beside bf16 in f32.
op::RecurrentResult run(RecurrentCell cell, const Tensors& x, const op::RecurrentOptions& options) {
  const DType wide = x[0].dtype() == DType::f64 ? DType::f64 : DType::f32;
  return op::recurrent(
      cell, x[0], x[1], op::cast(x[2], wide),
      {.hidden = x[3], .cell = cell == RecurrentCell::lstm ? op::cast(x[4], wide) : Tensor()}, options);
}

TEST(Recurrent, GradientsMatchFiniteDifferences) {
  for (const RecurrentCell cell : kCells)
    for (const bool reverse : {false, true}) {
      const op::RecurrentOptions options{.reverse = reverse, .lengths = lengths_of({4, 2, 0})};
      EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return all_of(run(cell, x, options)); },
                                        inputs_of(cell, 4, 3, 3)));
      // Of the last state alone, from zeros and without a bias.
      EXPECT_TRUE(test::gradients_match(
          [&](const Tensors& x) {
            return Tensors{op::recurrent(cell, x[0], x[1], {}, {}, {.reverse = reverse}).last.hidden};
          },
          {random_tensor({3, 2, op::gates_of(cell) * 2}, DType::f64, 1),
           random_tensor({op::gates_of(cell) * 2, 2}, DType::f64, 2)}));
    }
}

/// One direction of a case of make_recurrent.py.
op::RecurrentResult direction(RecurrentCell cell, const Tensors& x, int which, const Tensor& lengths) {
  const DType dtype = x[0].dtype(), wide = dtype == DType::f64 ? DType::f64 : DType::f32;
  const std::size_t weights = which == 1 ? 5 : 1;
  const auto state = [&](std::size_t i) {
    return op::reshape(op::slice(x[i], 0, which, which + 1), {x[i].dim(1), x[i].dim(2)});
  };
  const Tensor input = op::linear(x[0], x[weights], op::cast(x[weights + 2], wide));
  const Tensor cell_before = cell == RecurrentCell::lstm ? op::cast(state(10), wide) : Tensor();
  return op::recurrent(cell, input, x[weights + 1], op::cast(x[weights + 3], wide),
                       {.hidden = state(9), .cell = cell_before},
                       {.reverse = which == 1, .lengths = lengths});
}

/// Both directions as PyTorch gives them.
Tensors both(RecurrentCell cell, const Tensors& x) {
  const Tensor lengths = op::cast(x.back(), DType::i32);
  const auto there = direction(cell, x, 0, lengths), back = direction(cell, x, 1, lengths);
  const std::int64_t length = x[0].dim(0), batch = x[0].dim(1);
  std::vector<double> real;
  for (std::int64_t t = 0; t < length; ++t)
    for (const std::int32_t one : lengths.to_vector<std::int32_t>()) real.push_back(t < one ? 1 : 0);
  const DType dtype = x[0].dtype();
  const auto last = [&](const Tensor& a, const Tensor& b) {
    const Shape one = {1, a.dim(0), a.dim(1)};
    return op::cast(op::concatenate({op::reshape(a, one), op::reshape(b, one)}, 0), dtype);
  };
  Tensors result = {op::multiply(op::concatenate({there.outputs, back.outputs}, 2),
                                 op::cast(Tensor::from(real, {length, batch, 1}), dtype)),
                    last(there.last.hidden, back.last.hidden)};
  if (cell == RecurrentCell::lstm) result.push_back(last(there.last.cell, back.last.cell));
  return result;
}

TEST(Recurrent, AgreesWithPyTorchOverPackedRowsInBothDirections) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    // Rounding of bf16 states adds up over the steps.
    const test::GoldenCheck check = {.dtype = dtype,
                                     .relative = dtype == DType::bf16 ? 4e-2 : -1,
                                     .absolute = dtype == DType::bf16 ? 1e-1 : -1};
    EXPECT_TRUE(test::golden_matches(
        "recurrent.safetensors", "lstm", [](const Tensors& x) { return both(RecurrentCell::lstm, x); },
        check));
    EXPECT_TRUE(test::golden_matches(
        "recurrent.safetensors", "gru", [](const Tensors& x) { return both(RecurrentCell::gru, x); }, check));
  }
}

TEST(Recurrent, SinglePrecisionAndBf16FollowTheDefinition) {
  for (const RecurrentCell cell : kCells)
    for (const std::int64_t width : {1, 7, 65}) {
      const auto function = [&](const Tensors& x) {
        return all_of(run(cell, x, {.reverse = true, .lengths = lengths_of({3, 1, 2, 3, 3})}));
      };
      Tensors inputs = inputs_of(cell, 3, 5, width);
      inputs[1] = op::scale(inputs[1], 1.0 / static_cast<double>(width));
      EXPECT_TRUE(test::follows_double_precision(function, inputs, {.dtype = DType::f32})) << width;
      EXPECT_TRUE(test::follows_double_precision(function, inputs,
                                                 {.dtype = DType::bf16, .relative = 4e-2, .absolute = 1e-1}))
          << width;
    }
}

TEST(Recurrent, PaddingChangesNoBitAndKeepsTheState) {
  for (const RecurrentCell cell : kCells)
    for (const bool reverse : {false, true}) {
      const Tensors x = inputs_of(cell, 5, 2, 9, DType::f32);
      const auto padded = run(cell, x, {.reverse = reverse, .lengths = lengths_of({5, 3})});
      Tensors shorter = x;
      shorter[0] = op::contiguous(op::slice(x[0], 0, 0, 3));
      const auto alone = run(cell, shorter, {.reverse = reverse});
      const auto row = [](const Tensor& t, int axis) { return op::slice(t, axis, 1, 2); };
      EXPECT_TRUE(test::same_bits(row(op::slice(padded.outputs, 0, 0, 3), 1), row(alone.outputs, 1)));
      EXPECT_TRUE(test::same_bits(row(padded.last.hidden, 0), row(alone.last.hidden, 0)));
      const Tensor end = op::reshape(row(op::slice(padded.outputs, 0, 4, 5), 1), {1, 9});
      EXPECT_TRUE(test::same_bits(end, row(reverse ? x[3] : padded.last.hidden, 0)));
      // Token by token, each from the state before: what decoding does.
      op::RecurrentState state{.hidden = x[3], .cell = cell == RecurrentCell::lstm ? x[4] : Tensor()};
      if (reverse) continue;
      const Tensor whole = run(cell, x, {}).outputs;
      for (std::int64_t t = 0; t < 5; ++t) {
        const auto step = op::recurrent(cell, op::slice(x[0], 0, t, t + 1), x[1], x[2], state);
        EXPECT_TRUE(test::same_bits(step.outputs, op::slice(whole, 0, t, t + 1))) << t;
        state = step.last;
      }
    }
}

TEST(Recurrent, SameBitsForAnyNumberOfThreads) {
  for (const RecurrentCell cell : kCells)
    EXPECT_TRUE(
        test::same_bits_for_threads([&](const Tensors& x) { return all_of(run(cell, x, {.lengths = {}})); },
                                    inputs_of(cell, 6, 300, 64, DType::f32)));
}

TEST(Recurrent, NamesWhatDoesNotFit) {
  const auto make = [](const Shape& input, const Shape& weight, const op::RecurrentState& before = {},
                       const op::RecurrentOptions& options = {}) {
    return op::recurrent(RecurrentCell::gru, Tensor::zeros(input), Tensor::zeros(weight), {}, before,
                         options);
  };
  EXPECT_ERROR(make({2, 3, 12}, {16, 4}), "weight [3 width, width] needed");
  EXPECT_ERROR(make({2, 3, 16}, {12, 4}), "rows of the weight");
  EXPECT_ERROR(make({0, 3, 12}, {12, 4}), "a token at least");
  EXPECT_ERROR(make({2, 3, 12}, {12, 4}, {.hidden = Tensor::zeros({2, 4})}), "hidden state f32 [2, 4]");
  EXPECT_ERROR(make({2, 3, 12}, {12, 4}, {.hidden = {}, .cell = Tensor::zeros({3, 4})}), "no cell");
  EXPECT_ERROR(make({2, 2, 12}, {12, 4}, {}, {.lengths = lengths_of({1, 3})}), "length 3 of row 1: 0 to 2");
  EXPECT_ERROR(make({2, 2, 12}, {12, 4}, {}, {.lengths = lengths_of({1})}), "i32 [2] needed");
  EXPECT_ERROR(
      op::recurrent(RecurrentCell::lstm, Tensor::zeros({1, 1, 8}, DType::f64), Tensor::zeros({8, 2}), {}),
      "one floating dtype");
}

}  // namespace
}  // namespace attend

#include "attend/nn/recurrent.h"

#include <gtest/gtest.h>

#include "attend/attention/mechanism.h"
#include "attend/nn/global_attention.h"
#include "attend/op/linear.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using op::RecurrentCell;

const nn::NamedParameter& named(const std::vector<nn::NamedParameter>& all, const std::string& name) {
  for (const auto& one : all)
    if (one.name == name) return one;
  throw Error("no parameter " + name);
}

TEST(RecurrentLayer, TwoDirectionsAreTwoLayersSideBySide) {
  for (const auto cell : {RecurrentCell::gru, RecurrentCell::lstm}) {
    Generator random(3);
    const nn::BidirectionalRecurrent layer(5, 12, cell, random);
    const Tensor x = test::random_tensor({4, 3, 5}, DType::f32, 1);
    const Tensor lengths = Tensor::from(std::vector<std::int32_t>{4, 2, 1}, {3});
    const auto both = layer.forward(x, lengths);
    const auto parameters = layer.parameters();
    EXPECT_EQ(parameters.size(), 8U);
    for (const bool back : {false, true}) {
      const auto of = [&](const std::string& name) {
        return named(parameters, (back ? "backward." : "forward.") + name).tensor;
      };
      const auto one =
          op::recurrent(cell, op::linear(x, of("input.weight"), of("input.bias")), of("recurrent.weight"),
                        of("recurrent.bias"), {}, {.reverse = back, .lengths = lengths});
      const std::int64_t begin = back ? 6 : 0;
      EXPECT_TRUE(test::same_bits(op::slice(both.outputs, 2, begin, begin + 6), one.outputs));
      EXPECT_TRUE(test::same_bits(op::slice(both.last.hidden, 1, begin, begin + 6), one.last.hidden));
      EXPECT_EQ(both.last.cell.defined(), cell == RecurrentCell::lstm);
      // Only the forget gate begins open.
      const auto bias = of("input.bias").to_vector<float>();
      for (std::size_t i = 0; i < bias.size(); ++i)
        EXPECT_EQ(bias[i], cell == RecurrentCell::lstm && i >= 6 && i < 12 ? 1.F : 0.F) << i;
    }
  }
  Generator random(3);
  EXPECT_ERROR(nn::BidirectionalRecurrent(5, 7, RecurrentCell::gru, random), "7 units in two directions");
  EXPECT_ERROR(nn::BidirectionalRecurrent(5, 0, RecurrentCell::gru, random), "0 units in two directions");
}

TEST(GlobalAttention, LooksAtTheStatesAsTheyAreAndNamesWhatDoesNotFit) {
  Generator random(3);
  for (const auto& spec : {attention::bahdanau(), attention::luong_general(), attention::luong_dot()}) {
    const nn::GlobalAttention layer(8, {.heads = 2, .attention = spec}, random);
    const Tensor states = test::random_tensor({3, 5, 8}, DType::f32, 1),
                 x = test::random_tensor({3, 4, 8}, DType::f32, 2);
    const auto memory = layer.prepare(states);
    const attention::Run run = {.key_lengths = Tensor::from(std::vector<std::int32_t>{1, 5, 2}, {3})};
    const Tensor contexts = layer.forward(x, memory, run).detach();
    EXPECT_EQ(contexts.shape(), x.shape());
    // Of a source with one token every context is that token's state.
    for (std::int64_t t = 0; t < 4; ++t)
      EXPECT_TRUE(test::close(op::contiguous(op::slice(op::slice(contexts, 0, 0, 1), 1, t, t + 1)),
                              op::contiguous(op::slice(op::slice(states, 0, 0, 1), 1, 0, 1)), 1e-6, 1e-6));
    // Rows that share a memory get what rows with one each would.
    const nn::RowGroups groups({0, 0, 1, 2}, 3);
    const Tensor rows = test::random_tensor({4, 1, 8}, DType::f32, 4);
    const Tensor shared = layer.forward(rows, memory, groups, run);
    for (const std::int64_t row : {0, 2})
      EXPECT_TRUE(test::close(
          op::contiguous(op::slice(shared, 0, row + 1, row + 2)),
          op::contiguous(
              op::slice(layer.forward(op::contiguous(op::slice(rows, 0, 1, 4)), memory, run).detach(), 0, row,
                        row + 1)),
          1e-5, 1e-6));
    EXPECT_ERROR(layer.prepare(x.view_as({3, 32}, {32, 1})), "[batch, length, 8] needed");
    EXPECT_ERROR(layer.forward(test::random_tensor({3, 4, 6}, DType::f32, 2), memory), "queries, 8] needed");
  }
  EXPECT_ERROR(nn::GlobalAttention(8, {.heads = 3, .attention = {}}, random), "heads must divide");
  EXPECT_ERROR(nn::GlobalAttention(8, {.heads = 2, .attention = attention::alibi()}, random), "no distance");
  EXPECT_ERROR(nn::GlobalAttention(8, {.heads = 2, .attention = attention::adaptive_heads()}, random),
               "side by side");
}

}  // namespace
}  // namespace attend

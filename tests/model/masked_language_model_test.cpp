#include "attend/model/masked_language_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/op/softmax.h"
#include "support/expect_error.h"

namespace attend::model {
namespace {

constexpr EncoderConfig tiny() {
  return {.vocabulary = 11, .context = 6, .layers = 1, .heads = 2, .dim = 8};
}

EncoderInput input_of(const std::vector<std::int32_t>& tokens) {
  return {.tokens = Tensor::from(tokens, {2, static_cast<std::int64_t>(tokens.size()) / 2})};
}

TEST(MaskedLanguageModel, LossIsThatOfItsLogitsAtTheTargets) {
  MaskedLanguageModel model(tiny(), 3);
  model.cast_parameters(DType::f64);
  const EncoderInput input = input_of({1, 2, 3, 4, 5, 6, 7, 8});
  const std::vector<std::int32_t> targets = {-1, 9, -1, 0, -1, -1, 4, -1};
  const Tensor places = Tensor::from(std::vector<std::int64_t>{1, 3, 6}, {3});
  const Tensor logits = model.logits(input, places);
  EXPECT_EQ(logits.shape(), (Shape{3, 11}));
  const auto values = op::log_softmax(logits).to_vector<double>();
  const double expected = -(values[9] + values[11] + values[22 + 4]) / 3;
  EXPECT_NEAR(model.loss(input, Tensor::from(targets, {2, 4})).item(), expected, 1e-12);
  EXPECT_EQ(model.loss(input, Tensor::from(std::vector<std::int32_t>(8, -1), {2, 4})).item(), 0);
}

TEST(MaskedLanguageModel, NamesItsPartsAsOtherEncoderModelsDo) {
  const MaskedLanguageModel model(tiny());
  std::int64_t encoder = 0, head = 0;
  for (const auto& parameter : model.parameters()) {
    encoder += parameter.name.starts_with("encoder.");
    head += parameter.name.starts_with("head.");
  }
  EXPECT_EQ(head, 4);
  EXPECT_EQ(encoder + head, static_cast<std::int64_t>(model.parameters().size()));
  EXPECT_ERROR(model.logits(input_of({1, 2, 3, 4}), Tensor::from(std::vector<std::int64_t>{4}, {1})), "4");
}

}  // namespace
}  // namespace attend::model

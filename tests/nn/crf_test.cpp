#include "attend/nn/crf.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend::nn {
namespace {

TEST(Crf, StartsAsIfEveryPlaceWereTaggedAlone) {
  const Crf crf(3);
  const Tensor emissions = test::random_tensor({2, 4, 3}, DType::f32, 3),
               lengths = Tensor::full({2}, 4, DType::i64);
  const Tensor tags = test::random_integers({2, 4}, 3, 4);
  const double alone = op::cross_entropy(emissions, tags, {.reduction = op::Reduction::sum}).item();
  EXPECT_NEAR(crf.loss(emissions, tags, lengths, op::Reduction::sum).item(), alone, 1e-5);
}

TEST(Crf, LearnsWhichTagsFollowEachOther) {
  Crf crf(2);
  std::vector<std::string> names;
  for (const NamedParameter& parameter : crf.parameters()) names.push_back(parameter.name);
  EXPECT_EQ(names, (std::vector<std::string>{"transitions", "start", "end"}));
  EXPECT_EQ(crf.parameter_count(), 8);
  // The emissions say nothing; the tags alternate and begin with 1.
  const Tensor emissions = Tensor::zeros({1, 5, 2}), lengths = Tensor::full({1}, 5, DType::i64);
  const Tensor tags = Tensor::from(std::vector<std::int64_t>{1, 0, 1, 0, 1}, {1, 5});
  double loss = 0;
  for (int step = 0; step < 30; ++step) {
    const Tensor value = crf.loss(emissions, tags, lengths);
    loss = value.item();
    autograd::backward(value);
    for (const NamedParameter& parameter : crf.parameters()) {
      const std::vector<float> gradient = autograd::grad(parameter.tensor).to_vector<float>();
      for (std::size_t i = 0; i < gradient.size(); ++i) parameter.tensor.data<float>()[i] -= gradient[i];
      autograd::clear_grad(parameter.tensor);
    }
  }
  EXPECT_LT(loss, 0.1);
  EXPECT_EQ(crf.decode(emissions, lengths).tags.to_vector<std::int64_t>(), tags.to_vector<std::int64_t>());
  EXPECT_GT(crf.marginals(emissions, lengths).to_vector<float>()[1], 0.9F);
}

TEST(Crf, NeedsATag) {
  EXPECT_ERROR(Crf(0), "a conditional random field of 0 tags: at least 1 needed");
}

}  // namespace
}  // namespace attend::nn

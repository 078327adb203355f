#include "attend/nn/module.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/nn/initialise.h"
#include "attend/nn/linear.h"
#include "attend/op/arithmetic.h"
#include "attend/op/reduce.h"
#include "support/compare.h"
#include "support/expect_error.h"

namespace attend {
namespace {

struct Pair : nn::Module {
  nn::Linear first, second;
  Tensor scale = Tensor::full({3}, 2);
  Tensor tied;

  explicit Pair(Generator& random) : first(4, 3, {}, random), second(3, 5, {.bias = false}, random) {
    tied = first.weight();
    add_child("first", first);
    add_parameter("scale", scale, false);
    add_child("second", second);
    add_parameter("tied", tied, true);
  }
};

std::map<std::string, Tensor> copies(const nn::Module& module) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, tensor, decay, trainable] : module.parameters())
    result.emplace(name, tensor.clone());
  return result;
}

TEST(Module, ListsParametersInOrderAndTiedOnesOnce) {
  Generator random(1);
  const Pair pair(random);
  const auto parameters = pair.parameters();
  std::vector<std::string> names;
  for (const auto& parameter : parameters) {
    names.push_back(parameter.name);
    EXPECT_TRUE(autograd::requires_grad(parameter.tensor)) << parameter.name;
    EXPECT_EQ(parameter.decay, parameter.tensor.rank() == 2) << parameter.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"first.weight", "first.bias", "scale", "second.weight"}));
  EXPECT_EQ(pair.parameter_count(), 12 + 3 + 3 + 15);
}

TEST(Module, RefusesANameTwiceAndAnEmptyOne) {
  struct Twice : nn::Module {
    Tensor a = Tensor::zeros({1}), b = Tensor::zeros({1});
    explicit Twice(const std::string& name) {
      add_parameter("a", a, true);
      add_parameter(name, b, true);
    }
  };
  EXPECT_ERROR(Twice("a"), "two parts named 'a'");
  EXPECT_ERROR(Twice(""), "needs a name");
}

TEST(Module, CastsMatricesAndKeepsTies) {
  Generator random(1);
  Pair pair(random);
  pair.cast_parameters(DType::f64);
  for (const auto& parameter : pair.parameters()) {
    EXPECT_EQ(parameter.tensor.dtype(), DType::f64);
    EXPECT_TRUE(autograd::requires_grad(parameter.tensor)) << parameter.name;
  }
  pair.cast_parameters(DType::bf16);
  for (const auto& parameter : pair.parameters()) {
    EXPECT_EQ(parameter.tensor.dtype(), parameter.tensor.rank() == 2 ? DType::bf16 : DType::f32)
        << parameter.name;
    EXPECT_FALSE(autograd::requires_grad(parameter.tensor)) << parameter.name;
  }
  EXPECT_TRUE(pair.tied.same_object(pair.first.weight()));
  EXPECT_EQ(pair.parameters().size(), 4u);
  EXPECT_ERROR(pair.cast_parameters(DType::i32), "i32");
}

TEST(Module, LoadsWhatAnotherOneHad) {
  Generator random(1), other_random(2);
  Pair from(random), into(other_random);
  const Tensor before = into.first.weight();
  into.load(copies(from));
  for (std::size_t i = 0; i < into.parameters().size(); ++i)
    EXPECT_TRUE(test::same_bits(into.parameters()[i].tensor, from.parameters()[i].tensor));
  EXPECT_TRUE(before.same_object(into.first.weight()));  // an optimizer's handles stay good
  EXPECT_TRUE(autograd::requires_grad(into.first.weight()));
}

TEST(Module, LoadNamesWhatDoesNotFitAndChangesNothing) {
  Generator random(1);
  Pair pair(random);
  const auto before = copies(pair);
  auto wrong = before;
  for (auto& [name, tensor] : wrong) tensor = Tensor::zeros(tensor.shape());
  const auto good = wrong;
  wrong.erase("second.weight");
  EXPECT_ERROR(pair.load(wrong, "m.safetensors"), "m.safetensors: no tensor 'second.weight'");
  wrong = good;
  wrong["extra"] = Tensor::zeros({1});
  EXPECT_ERROR(pair.load(wrong), "'extra' is not a parameter");
  wrong = good;
  wrong["second.weight"] = Tensor::zeros({3, 5});
  EXPECT_ERROR(pair.load(wrong), "'second.weight' has shape [3, 5]; the model needs [5, 3]");
  wrong = good;
  wrong["second.weight"] = Tensor::zeros({5, 3}, DType::f64);
  EXPECT_ERROR(pair.load(wrong), "'second.weight' has dtype f64; the model needs f32");
  for (const auto& [name, tensor, decay, trainable] : pair.parameters())
    EXPECT_TRUE(test::same_bits(tensor, before.at(name))) << name;
  wrong["second.weight"] = Tensor::full({5, 3}, 1.5, DType::bf16);
  pair.load(wrong);
  EXPECT_TRUE(test::same_bits(pair.second.weight(), Tensor::full({5, 3}, 1.5)));
}

struct Counted : nn::Module {
  nn::Linear linear;
  Tensor seen = Tensor::full({3}, 4), table = Tensor::full({2, 2}, 5);

  explicit Counted(Generator& random) : linear(3, 2, {}, random) {
    add_buffer("seen", seen);
    add_child("linear", linear);
    add_buffer("table", table);
  }
};

TEST(Module, ListsBuffersThatAreNotTrained) {
  Generator random(1);
  const Counted counted(random);
  std::vector<std::string> names;
  for (const auto& parameter : counted.parameters()) {
    names.push_back(parameter.name);
    const bool is_buffer = parameter.name == "seen" || parameter.name == "table";
    EXPECT_EQ(parameter.trainable, !is_buffer) << parameter.name;
    EXPECT_EQ(parameter.decay, parameter.name == "linear.weight") << parameter.name;
    EXPECT_EQ(autograd::requires_grad(parameter.tensor), !is_buffer) << parameter.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"seen", "linear.weight", "linear.bias", "table"}));
  EXPECT_EQ(counted.parameter_count(), 3 * 2 + 2);
  struct Twice : nn::Module {
    Tensor a = Tensor::zeros({1}), b = Tensor::zeros({1});
    explicit Twice(const std::string& name) {
      add_buffer("a", a);
      add_buffer(name, b);
    }
  };
  EXPECT_ERROR(Twice("a"), "two parts named 'a'");
  EXPECT_ERROR(Twice(""), "needs a name");
}

TEST(Module, BuffersGetNoGradient) {
  Generator random(1);
  const Counted counted(random);
  autograd::backward(op::sum(counted.linear.forward(op::multiply(counted.seen, Tensor::full({1, 3}, 2)))));
  for (const auto& parameter : counted.parameters())
    EXPECT_EQ(autograd::grad(parameter.tensor).defined(), parameter.trainable) << parameter.name;
}

TEST(Module, CastsBuffersWithTheParameters) {
  Generator random(1);
  Counted counted(random);
  counted.cast_parameters(DType::f64);
  EXPECT_TRUE(test::same_bits(counted.seen, Tensor::full({3}, 4, DType::f64)));
  EXPECT_TRUE(test::same_bits(counted.table, Tensor::full({2, 2}, 5, DType::f64)));
  EXPECT_TRUE(counted.parameters().front().tensor.same_object(counted.seen));
  for (const auto& parameter : counted.parameters()) {
    const bool is_buffer = parameter.name == "seen" || parameter.name == "table";
    EXPECT_EQ(parameter.trainable, !is_buffer) << parameter.name;
    EXPECT_EQ(autograd::requires_grad(parameter.tensor), !is_buffer) << parameter.name;
  }
  counted.cast_parameters(DType::bf16);
  EXPECT_TRUE(test::same_bits(counted.seen, Tensor::full({3}, 4)));
  EXPECT_EQ(counted.parameters().size(), 4u);
}

TEST(Module, LoadsBuffersAndNeedsThem) {
  Generator random(1), other_random(2);
  const Counted from(random);
  Counted into(other_random);
  from.seen.copy_from(Tensor::full({3}, 7));
  from.table.data<float>()[1] = -1;
  const Tensor before = into.seen;
  auto tensors = copies(from);
  into.load(tensors);
  EXPECT_TRUE(test::same_bits(into.seen, from.seen));
  EXPECT_TRUE(test::same_bits(into.table, from.table));
  EXPECT_TRUE(before.same_object(into.seen));
  EXPECT_FALSE(autograd::requires_grad(into.seen));
  tensors.erase("seen");
  EXPECT_ERROR(into.load(tensors, "m.safetensors"), "m.safetensors: no tensor 'seen'");
}

TEST(Linear, LayerIsTheOperationOnItsParameters) {
  Generator random(7);
  nn::Linear layer(4, 3, {}, random);
  layer.cast_parameters(DType::f64);
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3, 4}, {1, 4});
  layer.bias().data<double>()[1] = 10;
  const Tensor y = layer.forward(x);
  const double* w = layer.weight().data<double>();
  for (int i = 0; i < 3; ++i)
    EXPECT_NEAR(y.data<double>()[i],
                w[4 * i] + 2 * w[4 * i + 1] + 3 * w[4 * i + 2] + 4 * w[4 * i + 3] + (i == 1 ? 10 : 0), 1e-12);
  EXPECT_ERROR(nn::Linear(0, 3, {}, random), "from 0 to 3");
}

TEST(Normal, HasTheMomentsOfTheDistribution) {
  const std::int64_t count = 200003;
  const Tensor numbers = nn::normal({count}, 0.5, {12, 3});
  double sum = 0, square = 0, fourth = 0, product = 0;
  const float* x = numbers.data<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const double z = x[i] / 0.5;
    sum += z;
    square += z * z;
    fourth += z * z * z * z;
    if (i > 0) product += z * x[i - 1] / 0.5;
  }
  // Five standard errors each: those of z, z^2, z^4 and z z' are 1, sqrt(2), sqrt(96) and 1 over sqrt(count).
  const double n = static_cast<double>(count), error = 5 / std::sqrt(n);
  EXPECT_LE(std::abs(sum / n), error);
  EXPECT_LE(std::abs(square / n - 1), error * std::sqrt(2));
  EXPECT_LE(std::abs(fourth / n - 3), error * std::sqrt(96));
  EXPECT_LE(std::abs(product / n), error);
}

TEST(Normal, DependsOnTheStreamAndNotOnThreadsOrLength) {
  const int before = threads();
  set_threads(1);
  const Tensor one = nn::normal({100, 301}, 1, {5, 6});
  set_threads(2);
  EXPECT_TRUE(test::same_bits(one, nn::normal({100, 301}, 1, {5, 6})));
  set_threads(before);
  const Tensor part = nn::normal({7}, 1, {5, 6});
  for (int i = 0; i < 7; ++i) EXPECT_EQ(part.data<float>()[i], one.data<float>()[i]);
  EXPECT_FALSE(test::same_bits(part, nn::normal({7}, 1, {5, 7})));
  EXPECT_FALSE(test::same_bits(part, nn::normal({7}, 1, {6, 6})));
  EXPECT_ERROR(nn::normal({1}, -1, {}), "-1");
  EXPECT_ERROR(nn::normal({1}, std::numeric_limits<double>::quiet_NaN(), {}), "nan");
}

}  // namespace
}  // namespace attend

#include "attend/train/optimizer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/io/safetensors.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/temporary_folder.h"

namespace attend::train {
namespace {

Parameter parameter(const std::string& name, const Tensor& tensor, bool decay = true) {
  autograd::set_requires_grad(tensor);
  return {name, tensor, decay};
}

/// Sizes around the vector length and the piece that one thread takes at once.
std::vector<Parameter> awkward_parameters(std::uint64_t seed) {
  std::vector<Parameter> result;
  for (std::int64_t size : {1, 15, 16, 17, 63, 16384, 16385, 50000})
    result.push_back(
        parameter(fmt::format("p{}", size), test::random_tensor({size}, DType::f32, seed++), size % 2 == 0));
  return result;
}

void set_random_gradients(const std::vector<Parameter>& parameters, std::uint64_t seed) {
  for (const Parameter& p : parameters)
    autograd::set_grad(p.tensor, test::random_tensor(p.tensor.shape(), DType::f32, seed++));
}

std::vector<Tensor> copies(const std::vector<Parameter>& parameters) {
  std::vector<Tensor> result;
  for (const Parameter& p : parameters) result.push_back(p.tensor.clone());
  return result;
}

Tensor golden(const std::string& name) {
  const auto file = io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/optimizer.safetensors");
  const auto& entry = file.at(name);
  std::vector<double> values(entry.data.size() / sizeof(double));
  std::memcpy(values.data(), entry.data.data(), entry.data.size());
  return Tensor::from(std::vector<float>(values.begin(), values.end()), Shape(entry.shape));
}

/// Follows the ten recorded updates and compares the parameters after each.
template <class Make>
void follow_golden(const std::string& name, double clip, Make&& make) {
  const Tensor weight = golden(name + "/weight.0"), bias = golden(name + "/bias.0");
  const std::vector<Parameter> parameters = {parameter("weight", weight), parameter("bias", bias, false)};
  const std::unique_ptr<Optimizer> optimizer = make(parameters);
  for (int t = 1; t <= 10; ++t) {
    const std::string step = fmt::format(".{}", t);
    autograd::set_grad(weight, golden(name + "/weight_gradient" + step));
    autograd::set_grad(bias, golden(name + "/bias_gradient" + step));
    const double norm = gradient_norm(parameters);
    if (clip > 0) {
      const double expected = golden(name + "/norm" + step).item();
      EXPECT_LE(std::abs(norm - expected), 1e-6 * expected);
    }
    optimizer->step(0.01 * t, clip_scale(norm, clip));
    // Ten f32 updates of values near 1: a few roundings each.
    EXPECT_TRUE(test::close(weight, golden(name + "/weight" + step), 1e-5, 2e-6)) << name << " update " << t;
    EXPECT_TRUE(test::close(bias, golden(name + "/bias" + step), 1e-5, 2e-6)) << name << " update " << t;
  }
}

TEST(Optimizer, AdamWEqualsPyTorch) {
  follow_golden("adamw", 0, [](auto p) {
    return std::make_unique<AdamW>(p, AdamW::Options{.beta2 = 0.99, .weight_decay = 0.1});
  });
}

TEST(Optimizer, ClippedAdamWEqualsPyTorch) {
  follow_golden("clipped", 1.0, [](auto p) {
    return std::make_unique<AdamW>(p, AdamW::Options{.beta1 = 0.8, .epsilon = 1e-6, .weight_decay = 0});
  });
}

TEST(Optimizer, SgdEqualsPyTorch) {
  follow_golden("sgd", 0, [](auto p) {
    return std::make_unique<Sgd>(p, Sgd::Options{.momentum = 0, .weight_decay = 0.05});
  });
  follow_golden("momentum", 0, [](auto p) {
    return std::make_unique<Sgd>(p, Sgd::Options{.momentum = 0.9, .weight_decay = 0.05});
  });
  follow_golden("nesterov", 0, [](auto p) {
    return std::make_unique<Sgd>(p, Sgd::Options{.momentum = 0.9, .nesterov = true, .weight_decay = 0.05});
  });
}

TEST(Optimizer, AdamWEqualsItsFormulaForAwkwardSizes) {
  const std::vector<Parameter> parameters = awkward_parameters(100);
  const AdamW::Options options{.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = 0.2};
  AdamW optimizer(parameters, options);
  std::vector<std::vector<double>> p, m, v;
  for (const Parameter& q : parameters) {
    p.push_back(q.tensor.to_vector<double>());
    m.emplace_back(p.back().size());
    v.emplace_back(p.back().size());
  }
  const double rate = 0.01, scale = 0.75;
  for (int t = 1; t <= 5; ++t) {
    set_random_gradients(parameters, 1000 + static_cast<std::uint64_t>(t) * 10);
    optimizer.step(rate, scale);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::vector<double> g = autograd::grad(parameters[i].tensor).to_vector<double>();
      for (std::size_t k = 0; k < g.size(); ++k) {
        const double scaled = g[k] * scale;
        m[i][k] = options.beta1 * m[i][k] + (1 - options.beta1) * scaled;
        v[i][k] = options.beta2 * v[i][k] + (1 - options.beta2) * scaled * scaled;
        if (parameters[i].decay) p[i][k] -= rate * options.weight_decay * p[i][k];
        p[i][k] -= rate * m[i][k] / (1 - std::pow(options.beta1, t)) /
                   (std::sqrt(v[i][k] / (1 - std::pow(options.beta2, t))) + options.epsilon);
      }
      const Tensor expected = Tensor::from(p[i], parameters[i].tensor.shape());
      EXPECT_TRUE(test::close(parameters[i].tensor, expected, 1e-5, 1e-6))
          << parameters[i].name << " update " << t;
    }
  }
}

TEST(Optimizer, BitsDoNotDependOnThreads) {
  const int before = threads();
  std::vector<std::vector<Tensor>> results;
  std::vector<double> norms;
  for (int count : {1, 2, 3}) {
    set_threads(count);
    const std::vector<Parameter> parameters = awkward_parameters(7);
    AdamW adamw(parameters);
    Sgd sgd(parameters, {.momentum = 0.9, .nesterov = true});
    for (std::uint64_t t = 0; t < 3; ++t) {
      set_random_gradients(parameters, 50 + t);
      norms.push_back(gradient_norm(parameters));
      adamw.step(0.01, 0.3);
      sgd.step(0.01, 0.3);
    }
    results.push_back(copies(parameters));
  }
  set_threads(before);
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(test::same_bits(results[0][i], results[1][i]));
    EXPECT_TRUE(test::same_bits(results[0][i], results[2][i]));
  }
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_EQ(norms[t], norms[3 + t]);
    EXPECT_EQ(norms[t], norms[6 + t]);
  }
}

TEST(Optimizer, NormOfAllGradients) {
  const std::vector<Parameter> parameters = awkward_parameters(3);
  set_random_gradients(parameters, 9);
  double squares = 0;
  for (const Parameter& p : parameters)
    for (double g : autograd::grad(p.tensor).to_vector<double>()) squares += g * g;
  EXPECT_NEAR(gradient_norm(parameters), std::sqrt(squares), 1e-12 * std::sqrt(squares));
  // The squares of these overflow f32.
  autograd::set_grad(parameters[0].tensor, Tensor::full({1}, 1e30));
  EXPECT_NEAR(gradient_norm(parameters), 1e30, 1e24);
  autograd::set_grad(parameters[5].tensor, Tensor::full({16384}, std::nan("")));
  EXPECT_TRUE(std::isnan(gradient_norm(parameters)));
  EXPECT_TRUE(all_finite(parameters));
  parameters[7].tensor.data<float>()[49999] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(all_finite(parameters));
}

TEST(Optimizer, ClipScale) {
  EXPECT_EQ(clip_scale(0.5, 1), 1);
  EXPECT_EQ(clip_scale(100, 0), 1);
  EXPECT_NEAR(clip_scale(4, 1), 0.25, 1e-6);
  EXPECT_EQ(clip_scale(0, 1), 1);
}

TEST(Optimizer, ParameterWithoutGradientStays) {
  const std::vector<Parameter> parameters = awkward_parameters(3);
  AdamW optimizer(parameters, {.weight_decay = 0.5});
  set_random_gradients(parameters, 9);
  autograd::clear_grad(parameters[2].tensor);
  const std::vector<Tensor> before = copies(parameters);
  optimizer.step(0.1);
  EXPECT_TRUE(test::same_bits(parameters[2].tensor, before[2]));
  EXPECT_FALSE(test::same_bits(parameters[1].tensor, before[1]));
  clear_gradients(parameters);
  for (const Parameter& p : parameters) EXPECT_FALSE(autograd::grad(p.tensor).defined());
  EXPECT_EQ(gradient_norm(parameters), 0);
  // Its bias correction starts with its own first update: of size learning rate, whatever the gradient.
  autograd::set_grad(parameters[2].tensor, Tensor::full({16}, 1e-3));
  optimizer.step(0.1);
  const Tensor expected = before[2].clone();
  for (int i = 0; i < 16; ++i) expected.data<float>()[i] = expected.data<float>()[i] * 0.95f - 0.1f;
  EXPECT_TRUE(test::close(parameters[2].tensor, expected, 0, 1e-5));
}

TEST(Optimizer, SavedStateContinuesBitForBit) {
  test::TemporaryFolder folder;
  const std::vector<Parameter> a = awkward_parameters(11), b = awkward_parameters(11);
  AdamW whole(a);
  auto part = std::make_unique<AdamW>(b);
  for (std::uint64_t t = 0; t < 6; ++t) {
    if (t == 3) {
      part->save(folder / "optimizer.safetensors");
      part = std::make_unique<AdamW>(b);
      part->load(folder / "optimizer.safetensors");
    }
    set_random_gradients(a, t);
    set_random_gradients(b, t);
    whole.step(0.01);
    part->step(0.01);
  }
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(test::same_bits(a[i].tensor, b[i].tensor)) << a[i].name;
}

TEST(Optimizer, RefusesStateOfAnother) {
  test::TemporaryFolder folder;
  const Tensor x = test::random_tensor({4, 3}, DType::f32, 1), y = test::random_tensor({3}, DType::f32, 2);
  AdamW adamw({parameter("x", x), parameter("y", y)});
  adamw.save(folder / "a.safetensors");
  EXPECT_ERROR(Sgd({parameter("x", x), parameter("y", y)}).load(folder / "a.safetensors"), "x.velocity");
  EXPECT_ERROR(AdamW({parameter("x", x)}).load(folder / "a.safetensors"), "unexpected tensor");
  EXPECT_ERROR(AdamW({parameter("x", y), parameter("y", y)}).load(folder / "a.safetensors"),
               "x.first_moment");
  EXPECT_ERROR(adamw.load(folder / "none.safetensors"), "none.safetensors");

  // A negative count, as a hostile file may hold.
  for (auto& [name, tensor] : adamw.state())
    if (name == "y.step") *tensor.data<std::int64_t>() = -1;
  adamw.save(folder / "negative.safetensors");
  EXPECT_ERROR(adamw.load(folder / "negative.safetensors"), "y.step");
}

TEST(Optimizer, RefusesBadArguments) {
  const Tensor x = test::random_tensor({4, 3}, DType::f32, 1);
  EXPECT_ERROR(AdamW({}), "no parameter");
  EXPECT_ERROR(AdamW({parameter("x", x), parameter("x", x)}), "twice");
  EXPECT_ERROR(AdamW({parameter("x", test::random_tensor({2}, DType::f64, 1))}), "f64");
  EXPECT_ERROR(AdamW({parameter("x", x)}, {.beta1 = 1}), "beta1");
  EXPECT_ERROR(AdamW({parameter("x", x)}, {.beta2 = std::nan("")}), "beta2");
  EXPECT_ERROR(AdamW({parameter("x", x)}, {.epsilon = 0}), "epsilon");
  EXPECT_ERROR(AdamW({parameter("x", x)}, {.weight_decay = -1}), "weight decay");
  EXPECT_ERROR(Sgd({parameter("x", x)}, {.momentum = 1}), "momentum");
  EXPECT_ERROR(Sgd({parameter("x", x)}, {.momentum = 0, .nesterov = true}), "nesterov");
}

}  // namespace
}  // namespace attend::train

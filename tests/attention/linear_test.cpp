// Attention that never builds the matrix of weights: against the formulas, against the definition that builds
// it, against PyTorch, and in memory.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/attention/attend.h"
#include "attend/base/error.h"
#include "attention/linear.h"
#include "attention/steps.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/linear_methods.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"
#include "support/sanitized.h"

namespace attend {
namespace {

using attention::Gather;
using attention::Place;
using autograd::Tensors;
using test::can_be_causal;
using test::kLinearKinds;
using test::random_tensor;
using Kind = Gather::Kind;

AttentionSpec spec_of(Kind kind, bool causal = false, std::int64_t features = 6) {
  return test::linear_spec(kind, causal, features);
}

struct Sizes {
  std::int64_t batch, queries, keys, heads, key_heads, dim, value_dim;
};

// query, key, value, and for linformer its two projections.
Tensors random_inputs(const Sizes& s, const AttentionSpec& spec, DType dtype = DType::f64,
                      std::uint64_t seed = 7) {
  Tensors inputs = {random_tensor({s.batch, s.queries, s.heads, s.dim}, dtype, seed),
                    random_tensor({s.batch, s.keys, s.key_heads, s.dim}, dtype, seed + 1),
                    random_tensor({s.batch, s.keys, s.key_heads, s.value_dim}, dtype, seed + 2)};
  if (spec.gather.kind == Kind::linformer)
    for (std::uint64_t i = 0; i < 2; ++i)
      inputs.push_back(random_tensor({spec.gather.features, s.keys + 3}, dtype, seed + 3 + i));
  return inputs;
}

Tensor answer(const Tensors& x, const AttentionSpec& spec, bool by_definition = false,
              attention::Run run = {}) {
  if (x.size() > 3) {
    run.parameters.key_projection = x[3];
    run.parameters.value_projection = x[4];
  }
  return attention::linear_attention(x[0], x[1], x[2], spec, run, by_definition);
}

// Matrices in plain loops.
struct Matrix {
  std::int64_t rows, columns;
  std::vector<double> numbers = std::vector<double>(static_cast<std::size_t>(rows * columns), 0.0);
  double& at(std::int64_t r, std::int64_t c) { return numbers[static_cast<std::size_t>(r * columns + c)]; }
  double at(std::int64_t r, std::int64_t c) const {
    return numbers[static_cast<std::size_t>(r * columns + c)];
  }
};

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix y{a.rows, b.columns};
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < b.columns; ++j)
      for (std::int64_t k = 0; k < a.columns; ++k) y.at(i, j) += a.at(i, k) * b.at(k, j);
  return y;
}

Matrix transposed(const Matrix& a) {
  Matrix y{a.columns, a.rows};
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.columns; ++j) y.at(j, i) = a.at(i, j);
  return y;
}

Matrix scaled_softmax(Matrix scores, double scale) {
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < scores.columns; ++j)
      sum += scores.at(i, j) = std::exp(scale * scores.at(i, j));
    for (std::int64_t j = 0; j < scores.columns; ++j) scores.at(i, j) /= sum;
  }
  return scores;
}

// number I - a.
Matrix identity_minus(double number, const Matrix& a) {
  Matrix y{a.rows, a.rows};
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.rows; ++j) y.at(i, j) = (i == j ? number : 0) - a.at(i, j);
  return y;
}

Matrix pseudo_inverse(const Matrix& a) {
  double rows = 0, columns = 0;
  for (std::int64_t i = 0; i < a.rows; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < a.columns; ++j) sum += std::abs(a.at(i, j));
    rows = std::max(rows, sum);
  }
  for (std::int64_t j = 0; j < a.columns; ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i < a.rows; ++i) sum += std::abs(a.at(i, j));
    columns = std::max(columns, sum);
  }
  Matrix z = transposed(a);
  for (double& x : z.numbers) x /= rows * columns;
  for (int i = 0; i < 6; ++i) {
    const Matrix az = product(a, z);
    z = product(z, identity_minus(13, product(az, identity_minus(15, product(az, identity_minus(7, az))))));
    for (double& x : z.numbers) x /= 4;
  }
  return z;
}

Matrix means_of_segments(const Matrix& x, std::int64_t count) {
  Matrix y{count, x.columns};
  for (std::int64_t s = 0; s < count; ++s) {
    const std::int64_t begin = s * x.rows / count, end = (s + 1) * x.rows / count;
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t d = 0; d < x.columns; ++d)
        y.at(s, d) += x.at(i, d) / static_cast<double>(end - begin);
  }
  return y;
}

// Rows begin to end of head h of batch row b.
Matrix head_of(const Tensor& x, std::int64_t b, std::int64_t h) {
  Matrix y{x.dim(1), x.dim(3)};
  for (std::int64_t i = 0; i < y.rows; ++i)
    for (std::int64_t d = 0; d < y.columns; ++d)
      y.at(i, d) = x.data<double>()[((b * x.dim(1) + i) * x.dim(2) + h) * x.dim(3) + d];
  return y;
}

// phi(x) of kernelised and performer attention, the latter without taking anything off the exponents.
Matrix features(const Matrix& x, const AttentionSpec& spec) {
  if (spec.gather.kind == Kind::kernelised) {
    Matrix y = x;
    for (double& element : y.numbers) element = element > 0 ? element + 1 : std::exp(element);
    return y;
  }
  const double root = std::pow(static_cast<double>(x.columns), -0.25);
  const Tensor w = attention::orthogonal_features(spec.gather, x.columns, DType::f64);
  Matrix y{x.rows, spec.gather.features};
  for (std::int64_t i = 0; i < x.rows; ++i)
    for (std::int64_t r = 0; r < y.columns; ++r) {
      double exponent = 0;
      for (std::int64_t d = 0; d < x.columns; ++d) {
        const double element = root * x.at(i, d);
        exponent += w.data<double>()[r * x.columns + d] * element - element * element / 2;
      }
      y.at(i, r) = std::exp(exponent) / std::sqrt(static_cast<double>(y.columns));
    }
  return y;
}

Tensor by_formula(const Tensors& x, const AttentionSpec& spec) {
  const Tensor &q = x[0], &k = x[1], &v = x[2];
  const std::int64_t group = q.dim(2) / k.dim(2), reach = k.dim(1) - q.dim(1);
  const double scale = 1 / std::sqrt(static_cast<double>(q.dim(3)));
  const Tensor result = Tensor::zeros({q.dim(0), q.dim(1), q.dim(2), v.dim(3)}, DType::f64);
  for (std::int64_t b = 0; b < q.dim(0); ++b)
    for (std::int64_t h = 0; h < q.dim(2); ++h) {
      const Matrix query = head_of(q, b, h), key = head_of(k, b, h / group), value = head_of(v, b, h / group);
      Matrix weights{q.dim(1), k.dim(1)};
      if (can_be_causal(spec.gather.kind)) {
        weights = product(features(query, spec), transposed(features(key, spec)));
        for (std::int64_t i = 0; i < weights.rows; ++i) {
          double sum = 0;
          for (std::int64_t j = 0; j < weights.columns; ++j) {
            if (spec.place.mask == Place::Mask::causal && j > i + reach) weights.at(i, j) = 0;
            sum += weights.at(i, j);
          }
          for (std::int64_t j = 0; j < weights.columns; ++j)
            weights.at(i, j) = sum > 0 ? weights.at(i, j) / sum : 0;
        }
      } else if (spec.gather.kind == Kind::linformer) {
        const auto columns = [&](const Tensor& parameter) {
          Matrix y{parameter.dim(0), k.dim(1)};
          for (std::int64_t r = 0; r < y.rows; ++r)
            for (std::int64_t j = 0; j < y.columns; ++j)
              y.at(r, j) = parameter.data<double>()[r * parameter.dim(1) + j];
          return y;
        };
        weights = product(scaled_softmax(product(query, transposed(product(columns(x[3]), key))), scale),
                          columns(x[4]));
      } else {
        const Matrix few_queries = means_of_segments(query, std::min(spec.gather.features, q.dim(1)));
        const Matrix few_keys = means_of_segments(key, std::min(spec.gather.features, k.dim(1)));
        weights = product(
            product(scaled_softmax(product(query, transposed(few_keys)), scale),
                    pseudo_inverse(scaled_softmax(product(few_queries, transposed(few_keys)), scale))),
            scaled_softmax(product(few_queries, transposed(key)), scale));
      }
      const Matrix y = product(weights, value);
      for (std::int64_t i = 0; i < y.rows; ++i)
        for (std::int64_t d = 0; d < y.columns; ++d)
          result.data<double>()[((b * q.dim(1) + i) * q.dim(2) + h) * v.dim(3) + d] = y.at(i, d);
    }
  return result;
}

const std::vector<Sizes> kAwkward = {{1, 1, 1, 1, 1, 8, 8},     {2, 2, 2, 2, 1, 8, 16},
                                     {1, 63, 63, 2, 2, 40, 40}, {1, 64, 64, 4, 2, 64, 64},
                                     {2, 65, 65, 2, 1, 40, 24}, {1, 127, 127, 2, 2, 64, 64},
                                     {1, 3, 70, 2, 1, 8, 5},    {1, 130, 64, 4, 2, 8, 8},
                                     {1, 5, 1, 1, 1, 8, 8},     {1, 1000, 1000, 2, 1, 8, 8}};

std::string text_of(const Sizes& s, Kind kind, bool causal) {
  return "method " + std::to_string(static_cast<int>(kind)) + " queries " + std::to_string(s.queries) +
         " keys " + std::to_string(s.keys) + " d " + std::to_string(s.dim) + (causal ? " causal" : "");
}

// Calls body(spec, sizes, causal, text) for every method, way and size.
template <class Body>
void for_each_case(const Body& body) {
  for (const Kind kind : kLinearKinds)
    for (const bool causal : {false, true})
      for (const Sizes& sizes : kAwkward) {
        if (causal && !can_be_causal(kind)) continue;
        body(spec_of(kind, causal, 16), sizes, text_of(sizes, kind, causal));
      }
}

// Output and all gradients for a fixed random cotangent.
Tensors with_gradients(const Tensors& inputs, const AttentionSpec& spec, bool by_definition) {
  Tensors leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(input.clone());
    autograd::set_requires_grad(leaves.back());
  }
  const Tensor y = answer(leaves, spec, by_definition);
  autograd::backward(y, backend::cast(random_tensor(y.shape(), DType::f64, 99), y.dtype()));
  Tensors results = {y};
  for (const Tensor& leaf : leaves) results.push_back(autograd::grad(leaf));
  return results;
}

TEST(LinearAttention, BothWaysFollowTheFormula) {
  for_each_case([](const AttentionSpec& spec, const Sizes& sizes, const std::string& text) {
    if (test::kSanitized && sizes.queries == 1000) return;
    const Tensors x = random_inputs(sizes, spec);
    const Tensor expected = by_formula(x, spec);
    EXPECT_TRUE(test::close(answer(x, spec, true), expected, 1e-10, 1e-10)) << text << " by definition";
    EXPECT_TRUE(test::close(answer(x, spec), expected, 1e-10, 1e-10)) << text;
  });
}

TEST(LinearAttention, OutputAndGradientsEqualTheDefinition) {
  for_each_case([](const AttentionSpec& spec, const Sizes& sizes, const std::string& text) {
    const Tensors x = random_inputs(sizes, spec);
    const Tensors expected = with_gradients(x, spec, true), got = with_gradients(x, spec, false);
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_TRUE(test::close(got[i], expected[i], 1e-9, 1e-9)) << text << " result " << i;
  });
}

TEST(LinearAttention, LowerPrecisionsFollowDoublePrecision) {
  for_each_case([](const AttentionSpec& spec, const Sizes& sizes, const std::string& text) {
    if (sizes.queries == 1000) return;
    // The pseudo-inverse of nystrom makes rounding errors larger.
    const bool nystrom = spec.gather.kind == Kind::nystrom;
    const auto function = [&](const Tensors& x) { return Tensors{answer(x, spec)}; };
    const Tensors x = random_inputs(sizes, spec);
    const double tolerance = nystrom ? 2e-3 : 5e-5;
    EXPECT_TRUE(test::follows_double_precision(
        function, x, {.dtype = DType::f32, .relative = tolerance, .absolute = tolerance}))
        << text;
    EXPECT_TRUE(test::follows_double_precision(function, x,
                                               {.dtype = DType::bf16, .relative = 2e-2, .absolute = 2e-2}))
        << text;
  });
}

TEST(LinearAttention, GradientsMatchFiniteDifferences) {
  for (const Kind kind : kLinearKinds)
    for (const bool causal : {false, true})
      for (const Sizes& sizes : std::vector<Sizes>{{2, 5, 7, 2, 1, 3, 2}, {1, 6, 4, 1, 1, 4, 3}}) {
        if (causal && !can_be_causal(kind)) continue;
        for (const bool by_definition : {false, true}) {
          const AttentionSpec spec = spec_of(kind, causal, 3);
          EXPECT_TRUE(
              test::gradients_match([&](const Tensors& x) { return Tensors{answer(x, spec, by_definition)}; },
                                    random_inputs(sizes, spec)))
              << text_of(sizes, kind, causal) << " by definition " << by_definition;
        }
      }
}

TEST(LinearAttention, CausalChunksHaveRightGradients) {
  // More than one chunk, by finite differences of a few elements' worth of inputs.
  const Tensors x = {random_tensor({1, 1, 70, 2}, DType::f64, 1), random_tensor({1, 1, 70, 2}, DType::f64, 2),
                     random_tensor({1, 1, 70, 2}, DType::f64, 3)};
  EXPECT_TRUE(test::gradients_match(
      [](const Tensors& t) { return Tensors{attention::causal_product(t[0], t[1], t[2])}; }, x));
}

TEST(LinearAttention, SameBitsForOneAndTwoThreads) {
  for (const Kind kind : kLinearKinds) {
    const AttentionSpec spec = spec_of(kind, can_be_causal(kind), 16);
    EXPECT_TRUE(test::same_bits_for_threads([&](const Tensors& x) { return Tensors{answer(x, spec)}; },
                                            random_inputs({2, 130, 130, 4, 2, 40, 40}, spec, DType::f32)))
        << text_of({2, 130, 130, 4, 2, 40, 40}, kind, false);
  }
}

TEST(LinearAttention, FollowsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    const test::GoldenCheck check = {.dtype = dtype};
    for (const auto& [name, causal] : {std::pair{"kernelised", false},
                                       {"kernelised_causal", true},
                                       {"kernelised_causal_longer_keys", true}})
      EXPECT_TRUE(test::golden_matches(
          "attention_linear.safetensors", name,
          [causal = causal](const Tensors& x) {
            return Tensors{answer(x, spec_of(Kind::kernelised, causal))};
          },
          check))
          << name << " " << name_of(dtype);
    for (const char* name : {"linformer", "linformer_shorter"})
      EXPECT_TRUE(test::golden_matches(
          "attention_linear.safetensors", name,
          [](const Tensors& x) { return Tensors{answer(x, spec_of(Kind::linformer, false, 4))}; }, check))
          << name << " " << name_of(dtype);
  }
}

}  // namespace
}  // namespace attend

// What the table of mechanisms claims, tried for each of its rows.

#include "attend/attention/mechanism.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "attend/attention/attend.h"
#include "attend/attention/cache.h"
#include "attend/autograd/tape.h"
#include "attend/op/cast.h"
#include "attend/op/shape.h"
#include "attention/lower.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/mechanism_cases.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Mechanism;
using attention::MechanismFacts;
using autograd::Tensors;
using test::forms_of;
using test::kBatch;
using test::kDim;
using test::kKeyHeads;
using test::kLength;
using test::operands;
using test::parameters_of;
using test::random_tensor;
using test::small;

bool all_finite(const Tensor& tensor) {
  const std::vector<double> values = tensor.to_vector<double>();
  return !values.empty() &&
         std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

bool all_zero(const Tensor& tensor) {
  const std::vector<double> values = tensor.to_vector<double>();
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 0; });
}

// The output, then the gradients of query, key, value and all parameters.
Tensors tried(const AttentionSpec& spec, DType dtype, decltype(attention::attend)& function) {
  Tensors x = operands(dtype);
  for (const Tensor& tensor : x) autograd::set_requires_grad(tensor);
  attention::Run run{.training = true, .random = {5, 9}, .parameters = parameters_of(spec, dtype, kLength)};
  const Tensor y = function(x[0], x[1], x[2], spec, run);
  autograd::backward(y, op::cast(random_tensor(y.shape(), DType::f64, 11), y.dtype()));
  Tensors result = {y, autograd::grad(x[0]), autograd::grad(x[1]), autograd::grad(x[2])};
  attention::for_each(run.parameters,
                      [&](const std::string&, Tensor& tensor) { result.push_back(autograd::grad(tensor)); });
  return result;
}

// Half-precision scores may choose another key, or another support, than those of double precision.
bool has_jumps(const AttentionSpec& spec) {
  using Kind = attention::Weigh::Kind;
  const Kind kind = spec.weigh.kind;
  return kind == Kind::top_k || kind == Kind::hard || kind == Kind::gumbel || kind == Kind::reinforce;
}

TEST(Mechanism, TableListsAllOfTheField) {
  const std::vector<std::string> names = {"scaled_dot",    "dot",
                                          "general",       "concat",
                                          "additive",      "cosine",
                                          "euclidean",     "pearson",
                                          "soft_cap",      "alibi",
                                          "alibi_learned", "t5",
                                          "shaw",          "transformer_xl",
                                          "adaptive_span", "window",
                                          "dilated",       "longformer",
                                          "big_bird",      "prefix",
                                          "temperature",   "sparsemax",
                                          "entmax15",      "sigmoid",
                                          "top_k",         "hard",
                                          "gumbel",        "reinforce",
                                          "sink",          "talking_heads",
                                          "kernelised",    "performer",
                                          "linformer",     "nystrom",
                                          "head_mean",     "head_pool",
                                          "adaptive_heads"};
  std::vector<std::string> listed;
  std::set<std::string_view> all;
  for (const Mechanism& row : attention::mechanisms()) {
    listed.emplace_back(row.name);
    EXPECT_FALSE(row.formula.empty() || row.paper.empty()) << row.name;
    EXPECT_EQ(row.formula.find('\n'), std::string_view::npos) << row.name;
    EXPECT_TRUE(all.insert(row.name).second) << row.name << " twice";
    for (const std::string_view other : row.other_names) {
      EXPECT_TRUE(all.insert(other).second) << other << " twice";
      EXPECT_EQ(&attention::find_mechanism(other), &row);
    }
    EXPECT_EQ(&attention::find_mechanism(row.name), &row);
  }
  EXPECT_EQ(listed, names);
}

TEST(Mechanism, ForwardAndBackwardRunInEachDtypeThatIsClaimed) {
  for (const Mechanism& row : attention::mechanisms()) {
    const MechanismFacts facts = attention::facts_of(row);
    for (const bool causal : forms_of(row)) {
      const AttentionSpec spec = small(row, causal);
      const Tensors exact = tried(spec, DType::f64, attention::attend_composite);
      ASSERT_EQ(exact.size(), 4 + facts.learned.size()) << row.name;
      EXPECT_EQ(facts.dtypes.size(), 3U);
      for (const DType dtype : facts.dtypes) {
        const Tensors got = tried(spec, dtype, attention::attend);
        ASSERT_EQ(got.size(), exact.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
          const std::string where = std::string(row.name) + " " + std::string(name_of(dtype)) + " result " +
                                    std::to_string(i) + (causal ? " causal" : "");
          // The weights of reinforce have no gradient.
          const bool no_gradient = spec.weigh.kind == attention::Weigh::Kind::reinforce && (i == 1 || i == 2);
          if (no_gradient) continue;
          ASSERT_TRUE(got[i].defined()) << where;
          EXPECT_TRUE(all_finite(got[i])) << where;
          EXPECT_FALSE(all_zero(got[i])) << where;
          // In bf16 a rounded score is divided by a temperature of 0.1 (cosine).
          const double tolerance = dtype == DType::f64 ? 1e-9 : dtype == DType::f32 ? 1e-3 : 2e-1;
          if (dtype == DType::bf16 && has_jumps(spec)) continue;
          EXPECT_TRUE(test::close(got[i], exact[i], tolerance, tolerance)) << where;
        }
      }
    }
  }
}

TEST(Mechanism, ComputesOnThePathThatIsClaimed) {
  for (const Mechanism& row : attention::mechanisms()) {
    const attention::Path path = attention::facts_of(row).path;
    for (const bool causal : forms_of(row)) {
      const AttentionSpec spec = row.spec(causal);
      const bool is_linear = spec.gather.kind != attention::Gather::Kind::weighted_sum;
      EXPECT_EQ(path == attention::Path::linear, is_linear) << row.name;
      EXPECT_EQ(path == attention::Path::fused, !is_linear && attention::is_fused(spec)) << row.name;
    }
  }
}

TEST(Mechanism, CausalFormsSeeNoLaterToken) {
  for (const Mechanism& row : attention::mechanisms()) {
    if (!row.has_causal_form) {
      EXPECT_ERROR(row.spec(true), "no causal form");
      continue;
    }
    const AttentionSpec spec = small(row, true);
    const attention::Run run{.parameters = parameters_of(spec, DType::f64, kLength)};
    const Tensors x = operands(DType::f64);
    const Tensor before = attention::attend(x[0], x[1], x[2], spec, run);
    for (const Tensor& tensor : {x[1], x[2]}) {
      const Tensor last = tensor.view_as({kBatch, kKeyHeads * kDim}, {tensor.strides()[0], 1},
                                         (kLength - 1) * tensor.strides()[1]);
      last.copy_from(random_tensor(last.shape(), DType::f64, 77));
    }
    const Tensor after = attention::attend(x[0], x[1], x[2], spec, run);
    const auto first = [](const Tensor& y) { return op::slice(y, 1, 0, kLength - 1); };
    const auto last = [](const Tensor& y) { return op::slice(y, 1, kLength - 1, kLength); };
    EXPECT_TRUE(test::close(first(after), first(before), 1e-9, 1e-9)) << row.name;
    EXPECT_FALSE(test::close(last(after), last(before), 1e-9, 1e-9)) << row.name;
  }
}

// Token by token over a cache, against all tokens at once.
TEST(Mechanism, DecodesWhereItIsClaimed) {
  for (const Mechanism& row : attention::mechanisms()) {
    const bool decodes = attention::facts_of(row).decode;
    // Queries of a prefix see keys that a cache does not hold yet.
    EXPECT_EQ(decodes, row.has_causal_form && row.name != "prefix") << row.name;
    if (!decodes) continue;
    const AttentionSpec spec = small(row, true);
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
      const autograd::NoGrad no_grad;
      const Tensors x = operands(dtype);
      attention::Run run{.parameters = parameters_of(spec, dtype, kLength)};
      const Tensor whole = attention::attend(x[0], x[1], x[2], spec, run);
      attention::KeyValueCache cache(kBatch, kLength, kKeyHeads, kDim, dtype);
      for (std::int64_t t = 0; t < kLength; ++t) {
        const auto token = [&](const Tensor& tensor) { return op::slice(tensor, 1, t, t + 1); };
        cache.append(token(x[1]), token(x[2]));
        attention::Run one = run;
        if (run.parameters.gate.defined()) one.parameters.gate = op::contiguous(token(run.parameters.gate));
        const Tensor y = attention::attend_cached(op::contiguous(token(x[0])), cache, spec, one);
        if (dtype == DType::bf16 && has_jumps(spec)) continue;
        const double tolerance = dtype == DType::f64 ? 1e-9 : dtype == DType::f32 ? 1e-3 : 5e-2;
        EXPECT_TRUE(test::close(y, op::contiguous(token(whole)), tolerance, tolerance))
            << row.name << " " << name_of(dtype) << " token " << t;
      }
    }
  }
}

TEST(Mechanism, IsFoundByNameOrNotAtAll) {
  EXPECT_EQ(attention::mechanism("bahdanau").score.kind, attention::Score::Kind::additive);
  EXPECT_EQ(attention::mechanism("alibi", true).place.mask, attention::Place::Mask::causal);
  EXPECT_EQ(attention::vaswani(true).place.mask, attention::Place::Mask::causal);
  EXPECT_EQ(attention::luong_dot().score.scale, 1);
  EXPECT_ERROR(attention::mechanism("sparsmax"), "unknown attention 'sparsmax'; did you mean sparsemax?");
  EXPECT_ERROR(attention::mechanism("banana_split"),
               "unknown attention 'banana_split'; there are: scaled_dot, dot");
  EXPECT_ERROR(attention::mechanism("a\nb\x01"), "unknown attention 'a?b?'");
  EXPECT_ERROR(attention::mechanism(""), "unknown attention ''");
  EXPECT_ERROR(attention::mechanism("linformer", true), "attention linformer has no causal form");
}

}  // namespace
}  // namespace attend

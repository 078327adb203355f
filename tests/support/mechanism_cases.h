#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attend/attention/mechanism.h"
#include "attend/attention/parameters.h"
#include "attend/autograd/tape.h"
#include "attend/base/random.h"
#include "attend/op/cast.h"
#include "attend/op/shape.h"
#include "support/random_tensor.h"

/// Every registered mechanism at a size that a test can afford: operands [kBatch, kLength, heads, kDim].
namespace attend::test {

constexpr std::int64_t kBatch = 2, kLength = 20, kHeads = 4, kKeyHeads = 2, kDim = 8;

/// The mechanism of a row, with widths that matter for kLength tokens.
inline AttentionSpec small(const attention::Mechanism& row, bool causal) {
  AttentionSpec spec = row.spec(causal);
  if (spec.place.window > 0) spec.place.window = 5;
  if (spec.place.dilation > 1) spec.place.dilation = 2;
  if (spec.place.block > 0) spec.place.block = 2;
  if (spec.place.prefix > 0) spec.place.prefix = 3;
  spec.place.clip = 3;
  spec.weigh.count = 3;
  spec.gather.features = 6;
  return spec;
}

inline std::vector<bool> forms_of(const attention::Mechanism& row) {
  return row.has_causal_form ? std::vector<bool>{false, true} : std::vector<bool>{false};
}

/// What the spec learns and its gate, for the last `queries` places; on the tape.
inline attention::Parameters parameters_of(const AttentionSpec& spec, DType dtype, std::int64_t queries) {
  Generator random(7);
  attention::Parameters p =
      attention::initial_parameters(spec, {.heads = kHeads, .dim = kDim, .keys = kLength}, random);
  if (spec.fuse.gate) p.gate = random_tensor({kBatch, kLength, kHeads}, DType::f32, 5, 0.1, 0.9);
  attention::for_each(p, [&](const std::string& name, Tensor& tensor) {
    // Zeros would hide what a gradient has to pass.
    if (name == "vector") tensor = random_tensor(tensor.shape(), DType::f32, 6);
    if (name == "span") tensor = random_tensor(tensor.shape(), DType::f32, 6, 0.001, 0.004);
    if (name == "gate") tensor = op::slice(tensor, 1, kLength - queries, kLength);
    tensor = op::cast(tensor, dtype == DType::f64 ? DType::f64 : DType::f32).clone();
    autograd::set_requires_grad(tensor);
  });
  return p;
}

/// Query, key and value of numbers that bf16 holds exactly.
inline autograd::Tensors operands(DType dtype) {
  autograd::Tensors x;
  std::uint64_t seed = 1;
  for (const std::int64_t heads : {kHeads, kKeyHeads, kKeyHeads})
    x.push_back(op::cast(random_tensor({kBatch, kLength, heads, kDim}, DType::bf16, seed++), dtype).clone());
  return x;
}

}  // namespace attend::test

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "attend/attention/attend.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

struct AttentionShape {
  std::int64_t batch, length, heads, key_heads, dim;
};

/// "B 4 T 4096 H 8 D 64", with the key heads where they differ: "H 32:8".
std::string text_of(const AttentionShape& shape);

/// The one shape that the options name, with 1 x 4096 x 8 x 64 for what they leave open; otherwise `usual`.
/// Throws Error when the key heads do not divide the heads.
std::vector<AttentionShape> shapes_of(const AttentionOptions& options,
                                      const std::vector<AttentionShape>& usual);

/// A mechanism with the changes of the options, and its name with them.
struct AttentionCase {
  std::string name;
  AttentionSpec spec;
  bool is_plain = false;  ///< scaled dot product with softmax over what the mask allows
};
/// Those that the options name which have this form. Throws Error for an unknown name.
std::vector<AttentionCase> cases_of(const AttentionOptions& options, bool causal);

/// Pairs of a query and a key that `place` allows.
std::int64_t allowed_pairs(const attention::Place& place, std::int64_t length);

/// Random queries, keys and values, the gradient of the output, and what `spec` learns.
struct AttentionInputs {
  Tensor query, key, value, cotangent;
  attention::Run run;
};
AttentionInputs random_inputs(const AttentionShape& shape, const AttentionSpec& spec, DType dtype);

/// Random numbers of standard deviation 1.
Tensor random_tensor(const Shape& shape, DType dtype, std::uint64_t stream);

/// Bytes that programs may still take from this machine.
std::int64_t available_memory();

}  // namespace attend::cli::bench

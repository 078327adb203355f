#include "attend/nn/decoder_block.h"

#include <gtest/gtest.h>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::RowGroups;
using test::random_tensor;

nn::DecoderBlockOptions block_options(bool post_norm, double dropout, bool gate = false) {
  nn::DecoderBlockOptions options;
  options.self_attention = {.heads = 2, .attention = attention::scaled_dot(true)};
  options.cross_attention = {.heads = 2, .key_heads = 1, .attention = attention::scaled_dot()};
  options.cross_attention.attention.fuse.gate = gate;
  options.self_attention.attention.weigh.dropout = options.cross_attention.attention.weigh.dropout = dropout;
  options.feed_forward.inner = 3;
  options.post_norm = post_norm;
  options.dropout = dropout;
  return options;
}

Tensor lengths_of(const std::vector<std::int32_t>& lengths) {
  return Tensor::from(lengths, {static_cast<std::int64_t>(lengths.size())});
}

Tensors fill(nn::Module& module) {
  module.cast_parameters(DType::f64);
  Tensors result;
  std::uint64_t seed = 100;
  for (const auto& parameter : module.parameters()) {
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), DType::f64, ++seed, -0.9, 0.9));
    result.push_back(parameter.tensor);
  }
  return result;
}

TEST(DecoderBlock, GradientsMatchFiniteDifferencesAlsoWithDropoutAndRecomputed) {
  for (const bool post_norm : {false, true})
    for (const bool recomputed : {false, true}) {
      Generator random(1), dropout(2);
      nn::DecoderBlock block(4, block_options(post_norm, 0.3), random);
      Tensors inputs = fill(block);
      inputs.push_back(random_tensor({2, 3, 4}, DType::f64, 7));
      inputs.push_back(random_tensor({2, 5, 4}, DType::f64, 8));
      const auto call = block.call({.training = true, .random = &dropout}, lengths_of({5, 2}), {1, 2});
      const auto f = [&](const Tensors& x) {
        const Tensor &in = x[x.size() - 2], &memory = x.back();
        const nn::Residual out = recomputed ? block.forward_recomputed({in, {}}, memory, call)
                                            : block.forward({in, {}}, block.project(memory), call);
        return out.branch.defined() ? Tensors{out.sum, out.branch} : Tensors{out.sum};
      };
      EXPECT_TRUE(test::gradients_match(f, inputs, {.relative = 1e-5, .absolute = 1e-6}))
          << "post-norm " << post_norm << ", recomputed " << recomputed;
    }
}

Tensor closed(const nn::Residual& x) {
  return x.branch.defined() ? op::add(x.sum, x.branch) : x.sum;
}

TEST(DecoderBlock, CachedTokensThatShareAMemorySeeWhatTheWholeSequenceSees) {
  for (const bool post_norm : {false, true})
    for (const auto& rows : {std::vector<std::int32_t>{0, 1}, {0, 0, 1, 1}, {1, 0, 0, 0}}) {
      Generator random(1);
      nn::DecoderBlock block(4, block_options(post_norm, 0, true), random);
      fill(block);
      const autograd::NoGrad no_grad;
      const Tensor memory = random_tensor({2, 5, 4}, DType::f64, 8), lengths = lengths_of({5, 2});
      const auto count = static_cast<std::int64_t>(rows.size());
      const Tensor x = random_tensor({count, 4, 4}, DType::f64, 9);
      const RowGroups groups(rows, 2);
      const auto call = block.call({}, lengths, {});
      auto cache = block.make_cache(memory, count, 4);
      Tensors parts;
      for (const auto& [begin, end] : {std::pair{0, 2}, std::pair{2, 3}, std::pair{3, 4}})
        parts.push_back(
            closed(block.forward({op::contiguous(op::slice(x, 1, begin, end)), {}}, cache, groups, call)));
      const Tensor written = op::concatenate(parts, 1);
      for (std::int64_t row = 0; row < count; ++row) {
        const std::int64_t m = rows[static_cast<std::size_t>(row)];
        const Tensor its_memory = op::contiguous(op::slice(memory, 0, m, m + 1));
        const auto its_call = block.call({}, lengths_of({m == 0 ? 5 : 2}), {});
        const Tensor whole = closed(block.forward({op::contiguous(op::slice(x, 0, row, row + 1)), {}},
                                                  block.project(its_memory), its_call));
        EXPECT_TRUE(test::close(op::contiguous(op::slice(written, 0, row, row + 1)), whole, 1e-11, 1e-11))
            << row << " of " << count;
      }
    }
}

TEST(DecoderBlock, RefusesAttentionByWhichTokensSeeThoseThatFollow) {
  Generator random(1);
  auto options = block_options(false, 0);
  options.self_attention.attention = attention::scaled_dot(false);
  EXPECT_ERROR(nn::DecoderBlock(4, options, random), "self-attention must be causal");
  options = block_options(false, 0);
  options.cross_attention.attention = attention::nystrom();
  EXPECT_ERROR(nn::DecoderBlock(4, options, random), "nystrom in a decoder's cross-attention");
  options.cross_attention.attention = attention::window();
  EXPECT_ERROR(nn::DecoderBlock(4, options, random), "depend on places");
}

TEST(RowGroups, GroupAndUngroup) {
  const Tensor x = random_tensor({4, 2, 3}, DType::f32, 1);
  for (const auto& rows : {std::vector<std::int32_t>{0, 1, 2, 3}, {0, 0, 1, 1}, {1, 0, 1, 0}, {2, 2, 0, 2}}) {
    const RowGroups groups(rows, 4);
    const Tensor grouped = groups.grouped(x);
    EXPECT_EQ(grouped.dim(0), 4);
    EXPECT_TRUE(test::same_bits(groups.ungrouped(grouped), x));
    for (std::int64_t row = 0; row < 4; ++row) {
      const std::int64_t memory = rows[static_cast<std::size_t>(row)];
      std::int64_t place = 0;
      for (std::int64_t before = 0; before < row; ++before)
        place += rows[static_cast<std::size_t>(before)] == memory ? 1 : 0;
      EXPECT_TRUE(
          test::same_bits(op::slice(op::slice(grouped, 0, memory, memory + 1), 1, 2 * place, 2 * place + 2),
                          op::slice(x, 0, row, row + 1)));
    }
  }
  EXPECT_TRUE(RowGroups::one_to_one(3).is_one_to_one());
  EXPECT_FALSE(RowGroups({1, 0}, 2).is_one_to_one());
  EXPECT_ERROR(RowGroups({0, 2}, 2), "row 2 of a memory of 2 rows");
  EXPECT_ERROR(RowGroups({}, 2), "at least one needed");
}

}  // namespace
}  // namespace attend

#include "nn/branch.h"

#include "attend/base/error.h"

namespace attend::nn {

void check_no_draws(const attention::Draws* draws) {
  if (draws != nullptr)
    throw Error("a block cannot be recomputed (recompute_blocks) while its draws are asked for (draws)");
}

bool draws_random_numbers(const AttentionSpec& spec) {
  using Kind = attention::Weigh::Kind;
  return spec.weigh.dropout > 0 || spec.weigh.kind == Kind::gumbel || spec.weigh.kind == Kind::reinforce;
}

}  // namespace attend::nn

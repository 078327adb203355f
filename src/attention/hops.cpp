#include "attend/attention/hops.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"

namespace attend::attention {

Tensor attend_hops(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec,
                   std::int64_t hops, const Run& run) {
  if (hops < 1) throw Error(fmt::format("attention with {} hops: at least 1 needed", hops));
  if (spec.fuse.kind != Fuse::Kind::concatenate)
    throw Error("attention with hops: the heads must stay apart (Fuse::Kind::concatenate)");
  if (query.rank() != 4 || value.rank() != 4 || value.dim(3) != query.dim(3))
    throw Error(
        fmt::format("attention with hops of query {} over value {}: both are [batch, length, heads, d] "
                    "with one d",
                    query.text(), value.text()));
  Tensor asked = query;
  Run round = run;
  for (std::int64_t n = 0; n < hops; ++n) {
    round.layer = run.layer + n;
    // A seed of its own for each round: streams of the run's seed belong to other layers.
    round.random.seed = run.random.seed ^ (static_cast<std::uint64_t>(n) * 0x9E3779B97F4A7C15u);
    asked = op::add(asked, attend(asked, key, value, spec, round));
  }
  return asked;
}

}  // namespace attend::attention

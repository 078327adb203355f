#pragma once

#include <cstdint>

#include "attend/attention/attend.h"

namespace attend::attention {

/// Several rounds of attention over one memory, each asking with what the one before has found: query_(n+1) =
/// query_n + attend(query_n, key, value). Result: the query after the last round, [batch, queries, heads, d]
/// (Sukhbaatar et al., "End-to-End Memory Networks", 2015, with the layer-wise weights tied).
///
/// Arguments as attend(); the values have the d of the queries, and the heads stay apart
/// (Fuse::Kind::concatenate). Each round draws random numbers of its own from run.random, and tells the
/// observer a layer of its own: run.layer, run.layer + 1, ... Throws Error when shapes do not fit or hops is
/// below 1.
Tensor attend_hops(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec,
                   std::int64_t hops, const Run& run = {});

}  // namespace attend::attention

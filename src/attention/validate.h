#pragma once

#include "attend/attention/spec.h"

/// The one check of the numbers of an AttentionSpec. check_operands() (attention/fused.h) makes it for every
/// function that computes something of tensors, so that all of them accept and refuse the same.
namespace attend::attention {

/// Throws Error naming the field, its value and what is accepted, unless every number is in its range and the
/// five choices go together. Numbers that the choices do not read (Weigh::count without top_k, ...) are not
/// looked at.
void validate(const AttentionSpec& spec);

/// The part about masks and positions, for those who have no more than these.
void validate(const Place& place);

}  // namespace attend::attention

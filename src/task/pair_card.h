#pragma once

#include "attend/task/pairs.h"
#include "task/card_text.h"

namespace attend::task {

/// The first rows of a model card about pairs: where they come from, and which are held out.
CardRows pair_rows(const PairFacts& data);

}  // namespace attend::task

#pragma once

#include "attend/attention/fuse.h"
#include "attend/attention/gather.h"
#include "attend/attention/place.h"
#include "attend/attention/score.h"
#include "attend/attention/weigh.h"

namespace attend {

/// One attention mechanism: the choice made at each of the five steps. Named ones:
/// attend/attention/mechanism.h.
struct AttentionSpec {
  attention::Score score;
  attention::Place place;
  attention::Weigh weigh;
  attention::Gather gather;
  attention::Fuse fuse;
};

}  // namespace attend

#pragma once

#include <cstdint>
#include <string>

#include "attend/explain/attention_maps.h"

namespace attend::explain {

struct HtmlOptions {
  std::int64_t layer = -1;  ///< shown first, counted from 0; -1: the last layer
  std::int64_t head = -1;   ///< shown first, counted from 0; -1: the mean over the heads
  /// Largest page, in bytes. 12 layers of 12 heads on 1024 tokens take some 50 to 90 MB, on 64 tokens under 2
  /// MB.
  std::int64_t max_bytes = 256 << 20;
};

/// One HTML file that needs no network: every layer and head, the text with the attention of the token under
/// the pointer, the exact weights, and an overview of all heads. The address fragment selects what is shown,
/// counted from 0: `#layer=1&head=2&token=3`, `head=mean`, `view=in` for "who looks at it".
///
/// Weights are stored in steps of 1/65535, so they are off by at most 7.7e-6 (the page shows four decimals).
/// Token texts and the title are data, never markup. Throws Error if `check(maps)` does, for a layer or head
/// that does not exist and for a page over `max_bytes`.
std::string to_html(const AttentionMaps& maps, const HtmlOptions& options = {});

}  // namespace attend::explain

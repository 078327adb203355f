#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/segment.h"

namespace attend::task {

/// The model card of a folder: README.md.
std::string segment_card(const SegmentConfig& config, std::int64_t parameters, std::string_view command,
                         std::string_view folder);

}  // namespace attend::task

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/detect.h"

namespace attend::task {

/// The model card of a folder: README.md.
std::string detect_card(const DetectConfig& config, std::int64_t parameters, std::string_view command,
                        std::string_view folder);

}  // namespace attend::task

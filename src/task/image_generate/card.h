#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/image_generate.h"

namespace attend::task {

/// The model card of a folder: README.md.
std::string image_generate_card(const ImageGenerateConfig& config, std::int64_t parameters,
                                std::string_view command, std::string_view folder);

}  // namespace attend::task

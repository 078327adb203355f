#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/tag.h"

namespace attend::task {

/// README.md of a model folder, in Markdown.
std::string tag_card(const TagConfig& config, std::int64_t parameters, std::string_view command,
                     std::string_view folder);

}  // namespace attend::task

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/text_to_text.h"

namespace attend::task {

/// The text of README.md: what the model is, what it was trained on and how, what it reached. Facts alone.
std::string text_to_text_card(const TextToTextConfig& config, std::int64_t parameters,
                              std::string_view command, std::string_view folder);

}  // namespace attend::task

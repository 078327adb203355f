#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/answer.h"

namespace attend::task {

/// README.md of a model folder: data, model, training, results and limits.
std::string answer_card(const AnswerConfig& config, std::int64_t parameters, std::string_view command,
                        std::string_view folder);

}  // namespace attend::task

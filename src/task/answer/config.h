#pragma once

#include <filesystem>

#include "attend/task/answer.h"

namespace attend::task {

/// Replaces config.json.
void write_answer_config(const std::filesystem::path& folder, const AnswerConfig& config);

}  // namespace attend::task

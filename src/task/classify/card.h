#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/classify.h"
#include "attend/task/classify_evaluation.h"

namespace attend::task {

/// README.md of a model folder: data, model, training, results and limits. The evaluation may have no
/// columns: nothing was measured.
std::string classify_card(const ClassifyConfig& config, const ClassifyEvaluation& evaluation,
                          std::int64_t parameters, std::string_view command, std::string_view folder);

}  // namespace attend::task

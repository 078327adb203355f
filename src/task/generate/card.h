#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attend/task/generate.h"
#include "attend/task/language_model.h"

namespace attend::task {

/// The text of README.md: what the model is, what it was trained on and how, what it reached. Facts alone.
/// `validation` is that of the weights which are kept; empty when there was no evaluation.
std::string model_card(const GenerateConfig& config, const std::optional<Evaluation>& validation,
                       std::int64_t parameters, std::string_view command, std::string_view folder);

}  // namespace attend::task

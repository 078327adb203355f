#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attend/task/pretrained_encoder.h"

namespace attend::task {

/// README.md of a model folder, in Markdown. `validation` is that of the weights which are kept; empty when
/// there was no evaluation.
std::string pretrain_card(const PretrainConfig& config, const std::optional<MaskedEvaluation>& validation,
                          std::int64_t parameters, std::string_view command, std::string_view folder);

}  // namespace attend::task

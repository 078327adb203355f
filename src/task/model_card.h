#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/task/generate.h"

namespace attend::task {

/// The text of README.md: what the model is, what it was trained on and how, what it reached. Facts alone.
std::string model_card(const GenerateConfig& config, std::int64_t parameters, std::string_view command,
                       std::string_view folder);

/// Loss over the validation part in bits for each of its characters.
double validation_bits_per_character(double loss, const TextFacts& facts);

}  // namespace attend::task

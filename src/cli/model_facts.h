#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace attend::cli {

/// `attend info DIR`: prints what is in a model folder, as a table or as JSON. Returns the exit code.
int show_model(const std::filesystem::path& folder, bool json);

/// The number of parameters in model.safetensors of a model folder; none while nothing is saved.
std::optional<std::int64_t> parameters_of_model(const std::filesystem::path& folder);

}  // namespace attend::cli

#pragma once

#include <filesystem>

#include "attend/task/converse.h"

namespace attend::task {

inline constexpr const char* kSearchFolder = "search";
inline constexpr const char* kGeneratorFolder = "generator";
inline constexpr const char* kAnswersFile = "answers.index";
inline constexpr const char* kDocumentsFile = "documents.index";

/// Replaces config.json.
void write_converse_config(const std::filesystem::path& folder, const ConverseConfig& config);

}  // namespace attend::task

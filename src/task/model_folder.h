#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace attend::task {

using Json = nlohmann::ordered_json;

/// The number of the present form of config.json.
inline constexpr int kFormat = 1;
inline constexpr const char* kConfigFile = "config.json";
inline constexpr const char* kWeightsFile = "model.safetensors";
inline constexpr const char* kCardFile = "README.md";
inline constexpr const char* kTokensFile = "training/tokens.bin";
/// Holds the tokenizer of what a model writes, when it is not that of what it reads.
inline constexpr const char* kTargetFolder = "target";

/// The JSON object in config.json. Throws Error naming the file when it is missing, no JSON object, has no
/// "format" or a newer one, or an unknown "task".
Json read_config(const std::filesystem::path& folder);

bool holds_model(const std::filesystem::path& folder);

/// Throws Error unless a new model may be written to `folder`: it is missing or empty; or it holds a model
/// and files of one alone, and `overwrite` is true, or `resume` is true.
void check_vacant(const std::filesystem::path& folder, bool resume, bool overwrite);

/// Removes the files of a model, and no others.
void remove_model(const std::filesystem::path& folder);

/// Makes the folder and those above it. Throws Error naming it and the reason.
void make_folder(const std::filesystem::path& folder);

/// Folders that were not there before. At destruction those of them that are still empty are removed: what
/// fails before anything is written leaves nothing behind.
class NewFolders {
 public:
  NewFolders() = default;
  ~NewFolders();
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;

  /// As make_folder.
  void make(const std::filesystem::path& folder);

 private:
  std::vector<std::filesystem::path> made_;  // the innermost first
};

}  // namespace attend::task

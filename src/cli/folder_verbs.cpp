#include "cli/folder_verbs.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "attend/base/error.h"
#include "attend/task/task.h"

namespace attend::cli {

namespace {

constexpr std::array<std::string_view, 3> kFolderVerbs = {"run", "eval", "see"};

bool names_folder_verb(std::string_view word) {
  return std::ranges::find(kFolderVerbs, word) != kFolderVerbs.end();
}

bool is_model(const std::string& word) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::path(word) / "config.json", ignored);
}

bool is_task(std::string_view word) {
  return std::ranges::any_of(task::tasks(), [&](const task::Task& task) { return task.name == word; });
}

/// The task of a model, or the first there is for a damaged one: its verb says what is wrong.
std::string task_of(const std::string& folder) {
  try {
    return task::task_of_folder(folder).name;
  } catch (const Error&) {
    return task::tasks().front().name;
  }
}

}  // namespace

std::vector<std::string> with_task_of_folder(std::vector<std::string> words) {
  if (words.empty() || !names_folder_verb(words.front())) return words;
  const auto folder = std::find_if(words.begin() + 1, words.end(), is_model);
  if (folder != words.end()) {
    const bool named = words[1] == task_of(*folder) && folder != words.begin() + 1;
    if (!named) words.insert(words.begin() + 1, task_of(*folder));
    return words;
  }
  const bool asks = std::ranges::any_of(words, [](const auto& w) { return w == "--help" || w == "-h"; });
  const bool named = words.size() > 1 && is_task(words[1]);
  if (!asks && !named) words.insert(words.begin() + 1, task::tasks().front().name);
  return words;
}

bool is_folder_verb(const CLI::App* app) {
  const CLI::App* parent = app->get_parent();
  return parent != nullptr && parent->get_parent() == nullptr && names_folder_verb(app->get_name());
}

bool is_task_of_folder_verb(const CLI::App* app) {
  return app->get_parent() != nullptr && is_folder_verb(app->get_parent());
}

}  // namespace attend::cli

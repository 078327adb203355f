#include "cli/folder_verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "attend/base/error.h"
#include "attend/task/task.h"
#include "cli/answer/verbs.h"
#include "cli/classify/verbs.h"
#include "cli/converse/verbs.h"
#include "cli/generate/verbs.h"
#include "cli/pretrain/verbs.h"
#include "cli/search/verbs.h"
#include "cli/tag/verbs.h"
#include "cli/text_to_text/verbs.h"
#include "cli/verbs.h"

namespace attend::cli {

namespace {

constexpr std::array<const char*, 2> kTextToText = {"translate", "summarize"};
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

CLI::App* add_folder_verb(CLI::App& program, const char* name, const char* description,
                          const std::string& footer) {
  CLI::App* verb = program.add_subcommand(name, description);
  verb->require_subcommand(1);
  verb->footer(fmt::format("'attend {} DIR --help' explains it for the task of the model in DIR.\n\n{}", name,
                           footer));
  return verb;
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

void add_run(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb = add_folder_verb(program, "run", "Use a model",
                                   "Example:\n  attend run model --prompt \"Once upon a time\"");
  generate::add_run(*verb, verbs);
  classify::add_run(*verb, verbs);
  for (const char* task : kTextToText) text_to_text::add_run(*verb, task, verbs);
  tag::add_run(*verb, verbs);
  search::add_run(*verb, verbs);
  answer::add_run(*verb, verbs);
  converse::add_run(*verb, verbs);
  pretrain::add_run(*verb, verbs);
}

void add_eval(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb = add_folder_verb(program, "eval", "Measure how good a model is by the metric of its task",
                                   "Example:\n  attend eval model --data book.txt --json");
  generate::add_eval(*verb, verbs);
  classify::add_eval(*verb, verbs);
  for (const char* task : kTextToText) text_to_text::add_eval(*verb, task, verbs);
  tag::add_eval(*verb, verbs);
  search::add_eval(*verb, verbs);
  answer::add_eval(*verb, verbs);
  converse::add_eval(*verb, verbs);
  pretrain::add_eval(*verb, verbs);
}

void add_see(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb = add_folder_verb(program, "see", "Show where a model looks",
                                   "Example:\n  attend see model \"The cat sat on the mat\" --out page.html");
  generate::add_see(*verb, verbs);
  classify::add_see(*verb, verbs);
  for (const char* task : kTextToText) text_to_text::add_see(*verb, task, verbs);
  tag::add_see(*verb, verbs);
  search::add_see(*verb, verbs);
  answer::add_see(*verb, verbs);
  converse::add_see(*verb, verbs);
  pretrain::add_see(*verb, verbs);
}

}  // namespace attend::cli

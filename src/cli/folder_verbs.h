#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// The verbs whose options depend on the task of the model they are given: run, eval, see.
namespace attend::cli {

/// `attend run DIR ...` with the task of the model in DIR put in, "attend run TASK DIR ...": the words after
/// "attend". Other verbs stay as they are, and so does a question for help that names no model. The task is
/// the first there is when no model is named: its verb says what is missing.
std::vector<std::string> with_task_of_folder(std::vector<std::string> words);

/// True for run, eval and see.
bool is_folder_verb(const CLI::App* app);

/// True for one task of such a verb; its name is not for the user to type.
bool is_task_of_folder_verb(const CLI::App* app);

}  // namespace attend::cli

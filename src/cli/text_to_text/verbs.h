#pragma once

#include <vector>

#include "cli/verbs.h"

/// The tasks "translate" and "summarize".
namespace attend::cli {

void add_train_text_to_text(CLI::App& train_verb, const char* task, std::vector<Verb>& verbs);
void add_run_text_to_text(CLI::App& run_verb, const char* task, std::vector<Verb>& verbs);
void add_eval_text_to_text(CLI::App& eval, const char* task, std::vector<Verb>& verbs);
void add_see_text_to_text(CLI::App& see_verb, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli

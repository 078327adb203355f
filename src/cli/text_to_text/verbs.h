#pragma once

#include <vector>

#include "cli/verbs.h"

/// The tasks "translate" and "summarize".
namespace attend::cli::text_to_text {

void add_train(CLI::App& train_verb, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& run_verb, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& eval, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& see_verb, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::text_to_text

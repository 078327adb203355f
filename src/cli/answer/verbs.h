#pragma once

#include <vector>

#include "cli/verbs.h"

/// The task "answer".
namespace attend::cli {

void add_train_answer(CLI::App& train, std::vector<Verb>& verbs);
void add_run_answer(CLI::App& run, std::vector<Verb>& verbs);
void add_eval_answer(CLI::App& eval, std::vector<Verb>& verbs);
void add_see_answer(CLI::App& see_verb, std::vector<Verb>& verbs);

}  // namespace attend::cli

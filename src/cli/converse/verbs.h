#pragma once

#include <vector>

#include "cli/verbs.h"

/// The task "converse".
namespace attend::cli {

void add_train_converse(CLI::App& train, std::vector<Verb>& verbs);
void add_run_converse(CLI::App& run, std::vector<Verb>& verbs);
void add_eval_converse(CLI::App& eval, std::vector<Verb>& verbs);
void add_see_converse(CLI::App& see_verb, std::vector<Verb>& verbs);

}  // namespace attend::cli

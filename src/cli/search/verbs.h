#pragma once

#include <vector>

#include "cli/verbs.h"

/// The task "search".
namespace attend::cli {

void add_train_search(CLI::App& train, std::vector<Verb>& verbs);
void add_run_search(CLI::App& run, std::vector<Verb>& verbs);
void add_eval_search(CLI::App& eval, std::vector<Verb>& verbs);
void add_see_search(CLI::App& see_verb, std::vector<Verb>& verbs);

}  // namespace attend::cli

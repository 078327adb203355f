#pragma once

#include <vector>

#include "cli/verbs.h"

/// The task "tag".
namespace attend::cli {

void add_train_tag(CLI::App& train, std::vector<Verb>& verbs);
void add_run_tag(CLI::App& run, std::vector<Verb>& verbs);
void add_eval_tag(CLI::App& eval, std::vector<Verb>& verbs);
void add_see_tag(CLI::App& see_verb, std::vector<Verb>& verbs);

}  // namespace attend::cli

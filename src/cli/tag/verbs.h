#pragma once

#include <vector>

#include "cli/verbs.h"

/// The task "tag".
namespace attend::cli::tag {

void add_train(CLI::App& train, std::vector<Verb>& verbs);
void add_run(CLI::App& run, std::vector<Verb>& verbs);
void add_eval(CLI::App& eval, std::vector<Verb>& verbs);
void add_see(CLI::App& see_verb, std::vector<Verb>& verbs);

}  // namespace attend::cli::tag

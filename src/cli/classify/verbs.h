#pragma once

#include <vector>

#include "cli/verbs.h"

/// The task "classify".
namespace attend::cli {

void add_train_classify(CLI::App& train, std::vector<Verb>& verbs);
void add_run_classify(CLI::App& run, std::vector<Verb>& verbs);
void add_eval_classify(CLI::App& eval, std::vector<Verb>& verbs);
void add_see_classify(CLI::App& see_verb, std::vector<Verb>& verbs);

}  // namespace attend::cli

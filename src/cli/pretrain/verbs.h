#pragma once

#include <vector>

#include "cli/verbs.h"

/// The task "pretrain".
namespace attend::cli {

void add_train_pretrain(CLI::App& train, std::vector<Verb>& verbs);
void add_run_pretrain(CLI::App& run_verb, std::vector<Verb>& verbs);
void add_eval_pretrain(CLI::App& eval, std::vector<Verb>& verbs);
void add_see_pretrain(CLI::App& see_verb, std::vector<Verb>& verbs);

}  // namespace attend::cli

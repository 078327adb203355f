#pragma once

#include <filesystem>
#include <vector>

#include "cli/verbs.h"

/// The task "generate".
namespace attend::cli {

void add_train_generate(CLI::App& train, std::vector<Verb>& verbs);
void add_run_generate(CLI::App& run, std::vector<Verb>& verbs);
void add_eval_generate(CLI::App& eval, std::vector<Verb>& verbs);
void add_see_generate(CLI::App& see_verb, std::vector<Verb>& verbs);

/// `attend info DIR`.
int show_generate_model(const std::filesystem::path& folder, bool json);

}  // namespace attend::cli

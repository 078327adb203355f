#pragma once

#include <filesystem>
#include <vector>

#include "cli/verbs.h"

/// The task "generate".
namespace attend::cli::generate {

void add_train(CLI::App& train, std::vector<Verb>& verbs);
void add_run(CLI::App& run, std::vector<Verb>& verbs);
void add_eval(CLI::App& eval, std::vector<Verb>& verbs);
void add_see(CLI::App& see_verb, std::vector<Verb>& verbs);

/// `attend info DIR`.
int show_model(const std::filesystem::path& folder, bool json);

}  // namespace attend::cli::generate

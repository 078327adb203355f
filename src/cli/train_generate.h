#pragma once

#include <vector>

#include "cli/verbs.h"

namespace attend::cli {

/// `attend train generate`.
void add_train_generate(CLI::App& train, std::vector<Verb>& verbs);

}  // namespace attend::cli

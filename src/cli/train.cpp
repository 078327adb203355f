#include <CLI/CLI.hpp>

#include "cli/verbs.h"

namespace attend::cli {

void add_train(CLI::App&, std::vector<Verb>&) {}

}  // namespace attend::cli

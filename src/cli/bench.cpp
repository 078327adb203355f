#include <CLI/CLI.hpp>

#include "cli/verbs.h"

namespace attend::cli {

void add_bench(CLI::App&, std::vector<Verb>&) {}

}  // namespace attend::cli

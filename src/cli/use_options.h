#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

namespace attend::cli {

/// What run, eval and see of every task take.
struct UseOptions {
  std::string model, precision = "f32";
  std::int64_t threads = 0;
};

/// The model folder.
void add_model_argument(CLI::App* verb, const std::shared_ptr<UseOptions>& options);

/// --precision and --threads.
void add_machine_options(CLI::App* verb, const std::shared_ptr<UseOptions>& options);

/// Sets the number of threads that was given.
void use_threads(const UseOptions& options);

}  // namespace attend::cli

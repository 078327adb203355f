#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/classify_evaluation.h"
#include "cli/use_options.h"

/// How it is shown how well a model tells classes, by tasks that tell them.
namespace attend::cli {

struct ClassEvalOptions : UseOptions {
  std::string data, out;
  bool skip_bad = false, json = false;
};

/// --json and --out FILE.html.
void add_class_output(CLI::App* verb, const std::shared_ptr<ClassEvalOptions>& options);

/// Throws Error for an --out that ends otherwise.
void check_class_output(const ClassEvalOptions& options);

/// Writes the page if there is to be one, and prints tables for the terminal or JSON.
void show_classes(const std::string& task, const task::ClassifyEvaluation& evaluation,
                  const ClassEvalOptions& options);

}  // namespace attend::cli

#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "attend/explain/attention_maps.h"

/// How `attend see` shows attention weights, whatever the task.
namespace attend::cli {

struct MapOptions {
  std::string out;  ///< empty: the terminal
  std::optional<std::int64_t> layer, head;
};

/// --layer, --head and --out.
void add_map_options(CLI::App* verb, MapOptions& options);

/// Throws Error for a file whose name says no form that there is: before a model is read.
void check_out(const MapOptions& options);

/// Throws Error unless a model of so many layers and heads has the ones that were chosen.
void check_choice(const MapOptions& options, std::int64_t layers, std::int64_t heads);

/// Draws in the terminal, followed by `below`, or writes a page, a picture or the numbers and prints where.
void show_maps(explain::AttentionMaps maps, const MapOptions& options, const std::string& below);

}  // namespace attend::cli

#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "attend/explain/picture_maps.h"

/// How `attend see` shows places of a picture, whatever the task.
namespace attend::cli {

/// --out.
void add_picture_map_output(CLI::App* verb, std::string& out);

/// Throws Error for a file whose name says no form that there is: before a model is read.
void check_picture_map_output(const std::string& out);

/// Draws in the terminal when `out` is empty, or writes a page, a picture or the numbers and prints where.
void show_picture_maps(const explain::PictureMaps& maps, const std::string& out);

}  // namespace attend::cli

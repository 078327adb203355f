#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "attend/explain/picture_maps.h"

/// How it is shown which places of a picture count.
namespace attend::cli {

/// --out FILE.html|.png|.json.
void add_map_output(CLI::App* verb, std::string& out);

/// Throws Error for a name that ends otherwise.
void check_map_output(const std::string& out);

/// Prints the maps for the terminal, or writes the file and prints its name.
void show_picture_maps(const explain::PictureMaps& maps, const std::string& out);

}  // namespace attend::cli

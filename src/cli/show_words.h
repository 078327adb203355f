#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "attend/explain/word_scores.h"

/// How words that decided are shown, by tasks whose `see` tells of words.
namespace attend::cli {

/// --out FILE.html|.json.
void add_words_out(CLI::App* verb, std::string& out);

/// Throws Error for a name that ends otherwise.
void check_words_out(const std::string& out);

/// Prints to the terminal, or writes the file and prints its name.
void show_words(const explain::WordScores& scores, const std::string& out);

}  // namespace attend::cli

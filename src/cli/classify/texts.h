#pragma once

#include "attend/task/classify.h"
#include "cli/texts.h"

namespace attend::cli::classify {

/// The texts that were given; without any, those of the file: its lines, or the column of the text in a table
/// or JSON Lines by its name; without a file, the lines of standard input. Throws Error when that is a
/// terminal.
std::unique_ptr<Texts> texts_of(const std::vector<std::string>& given, const std::string& file,
                                const data::ReadOptions& read, const task::ClassifyConfig& config);

}  // namespace attend::cli::classify

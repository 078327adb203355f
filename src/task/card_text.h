#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/task/encoder_start.h"
#include "attend/task/training.h"

/// Pieces of model cards (README.md of a model folder), in Markdown.
namespace attend::task {

using CardRows = std::vector<std::pair<std::string, std::string>>;

/// A table of two columns.
std::string card_table(const CardRows& rows);

/// A path or command as code in a table: no back tick, bar or line break may end it.
std::string card_code(std::string_view text);

/// "12.3 s" or "2 min 3 s".
std::string card_duration(double seconds);

/// The section "Training": command, seed, batch (in the words of the task), precision, machine, version.
std::string card_training(std::string_view command, const TrainingOptions& options, std::string_view batch);

/// What an encoder was trained from: "random weights".
std::string card_start(const EncoderStart& start);
/// The same for a classifier of pictures.
std::string card_start(const std::string& classifier);

/// The first rows about results: updates and time.
CardRows card_progress(const TrainingResults& results);

}  // namespace attend::task

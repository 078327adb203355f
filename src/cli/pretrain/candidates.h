#pragma once

#include <string>

#include "attend/task/pretrained_encoder.h"

namespace attend::cli::pretrain {

/// A line for each hidden token: the likeliest ones with their probabilities.
std::string shown_candidates(const task::FilledText& filled);

}  // namespace attend::cli::pretrain

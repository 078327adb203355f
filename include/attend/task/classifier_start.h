#pragma once

#include <filesystem>

#include "attend/model/residual_cnn.h"

/// What the first layers of a picture task's network start with instead of random weights.
namespace attend::task {

/// The network of a trained model of the task "image-classify". Throws Error naming the folder when it holds
/// none, or one whose network is no residual one.
model::ResidualCnnConfig read_starting_classifier(const std::filesystem::path& folder);

}  // namespace attend::task

#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "attend/model/residual_cnn.h"
#include "attend/task/picture_classifier.h"
#include "attend/task/training.h"

/// What the networks of picture tasks start with instead of random weights.
namespace attend::task {

/// The network of a trained model of the task "image-classify". Throws Error naming the folder when it holds
/// none, and for one that is no residual network.
model::ResidualCnnConfig read_starting_classifier(const std::filesystem::path& folder);

/// The classifier that a training starts from; null when `init` is empty, and when the training has a
/// checkpoint (`begun`, in `place`), so has started already. Throws Error as PictureClassifier does.
std::unique_ptr<PictureClassifier> starting_classifier(const std::string& init, const TrainingPlace& place,
                                                       bool begun);

/// The layers that the networks of other tasks start with. Throws Error unless they are those of a residual
/// network.
const model::ResidualCnn& trunk_of(const PictureClassifier& classifier);

}  // namespace attend::task

#pragma once

#include <memory>
#include <string>

#include "attend/model/image_classifier_config.h"
#include "attend/model/residual_cnn.h"
#include "attend/task/classifier_start.h"
#include "attend/task/picture_classifier.h"
#include "attend/task/training.h"

namespace attend::task {

/// The classifier that a training starts from; null when `init` is empty, and when the training has a
/// checkpoint (`begun`, in `place`), so has started already. Throws Error as PictureClassifier does.
std::unique_ptr<PictureClassifier> starting_classifier(const std::string& init, const TrainingPlace& place,
                                                       bool begun);

/// The layers that the networks of other tasks start with. Throws Error unless they are those of a residual
/// network.
const model::ResidualCnn& trunk_of(const PictureClassifier& classifier);

/// Copies all weights but those of the last layer, which tells the classes, into the network of another
/// classifier. Throws Error naming what differs between the two networks, but for classes and dropout.
void start_classifier(const model::ImageClassifier& network, const model::ImageClassifierConfig& config,
                      const PictureClassifier& classifier);

}  // namespace attend::task

#pragma once

#include <memory>
#include <string>

#include "attend/task/classifier_start.h"
#include "attend/task/picture_classifier.h"
#include "attend/task/training.h"

namespace attend::task {

/// The classifier that a training starts from; null when `init` is empty, and when the training has a
/// checkpoint (`begun`, in `place`), so has started already. Throws Error as read_starting_classifier and
/// PictureClassifier do.
std::unique_ptr<PictureClassifier> starting_classifier(const std::string& init, const TrainingPlace& place,
                                                       bool begun);

/// Copies what a classifier that was opened so has learnt into a network that has its layers: see its
/// start_from().
template <class Network>
void start_network(Network& network, const PictureClassifier& classifier) {
  network.start_from(dynamic_cast<const model::ResidualCnn&>(classifier.model()));
}

}  // namespace attend::task

#pragma once

#include <vector>

#include "attend/data/augment.h"
#include "attend/data/labelled_images.h"
#include "attend/model/image_classifier_config.h"
#include "attend/task/classify_evaluation.h"

namespace attend::task {

/// Log-probabilities [pictures, classes], row-major, of all pictures of a set.
std::vector<float> log_probabilities(const model::ImageClassifier& model, const data::LabelledImages& images,
                                     const model::PictureShape& shape, const data::PixelStatistics& pixels,
                                     DType compute);
/// The same of a batch [rows, height, width, channels].
std::vector<float> log_probabilities(const model::ImageClassifier& model, const Tensor& pictures,
                                     DType compute);

/// How well the classes of pictures are told, by log-probabilities of all.
ClassifyEvaluation evaluation_of(const std::vector<float>& values, const data::LabelledImages& images);

}  // namespace attend::task

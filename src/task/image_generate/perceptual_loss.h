#pragma once

#include <filesystem>

#include "attend/model/residual_cnn.h"
#include "attend/task/picture_classifier.h"
#include "task/image_classify/classifier_input.h"

namespace attend::task {

/// How much pictures differ in the eyes of a classifier that has learnt: by the maps behind each of its
/// stages (Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", 2016; of an
/// autoencoder Hou et al., "Deep Feature Consistent Variational Autoencoder", 2017).
class PerceptualLoss {
 public:
  /// For pictures of this shape, from -1 to 1. Throws Error when the folder's model is no residual network
  /// or sees other sizes or channels, and as PictureClassifier does.
  PerceptualLoss(const std::filesystem::path& folder, const model::PictureShape& shape);

  /// A scalar, with a gradient to `made` alone:
  ///
  ///     P / (S C_s) sum over stages s and channels c of E[(f_sc(made) - f_sc(real))^2] / Var[f_sc(real)]
  ///
  /// E and Var over the batch and its places, P the numbers of a picture: where maps are no better than their
  /// mean it is P. A hundredth of the mean variance of a stage is added to each, so that a channel that says
  /// nothing does not count for much.
  Tensor operator()(const Tensor& made, const Tensor& real, DType compute) const;

 private:
  PictureClassifier classifier_;
  const model::ResidualCnn* network_;
  ClassifierInput input_;
};

}  // namespace attend::task

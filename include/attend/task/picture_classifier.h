#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/explain/picture_maps.h"
#include "attend/io/image.h"
#include "attend/task/classify_evaluation.h"
#include "attend/task/image_classify.h"
#include "attend/task/text_classifier.h"

namespace attend::task {

/// A trained model of the task "image-classify", to be used.
class PictureClassifier {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, and damaged
  /// or misfit weights (NaN included).
  explicit PictureClassifier(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~PictureClassifier();
  PictureClassifier(PictureClassifier&&) noexcept;
  PictureClassifier& operator=(PictureClassifier&&) noexcept;

  const ImageClassifyConfig& config() const;
  const model::ImageClassifier& model() const;
  const std::vector<std::string>& classes() const;

  /// The class of each picture, whatever its size.
  std::vector<ClassAnswer> classify(std::span<const io::Image> pictures) const;

  /// Where the model looked when it gave its answer (or `label`, if there is one): how much less likely the
  /// class becomes when a square is hidden (Zeiler and Fergus, 2014); for a residual network Grad-CAM
  /// (Selvaraju et al., "Grad-CAM", 2017) and the gates and weights of its blocks; for a vision transformer
  /// attention rollout (Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020), the attention
  /// that each place gets in each layer, and that of each head of the last. Throws Error for a label that
  /// there is not.
  explain::PictureMaps see(const io::Image& picture, std::optional<std::int64_t> label = {}) const;

  /// Classifies a data set (ImageClassifyJob::data says which there are) with the classes of this model. An
  /// IDX folder stands for its t10k pictures, those to test on.
  ClassifyEvaluation evaluate(const std::filesystem::path& data, bool skip_bad = false) const;

 private:
  /// [1, height, width, channels], as the model takes it.
  Tensor batch_of(const io::Image& picture) const;

  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task

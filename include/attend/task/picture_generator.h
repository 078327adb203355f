#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/explain/picture_maps.h"
#include "attend/io/image.h"
#include "attend/task/image_generate.h"
#include "attend/task/picture_classifier.h"

namespace attend::task {

/// Which latent vectors pictures are made of.
struct PictureSampling {
  std::uint64_t seed = 1;
  std::int64_t first = 0;  ///< the number of the first picture's latent vector
  /// The standard deviation of the latent vectors: less than 1 gives pictures that are more usual, and more
  /// alike. Accepted: 0 to 10.
  double temperature = 1;
};

struct GenerationEvaluationOptions {
  std::int64_t most = 5000;  ///< pictures of each half of the data that are looked at
  PictureSampling sampling = {};
  bool skip_bad = false;
};

/// How pictures that a model made compare with those of a data set, in the eyes of a classifier. The data are
/// shared among two halves, one picture here and one there. There are as many samples as pictures in the
/// second half, of the same classes.
struct GenerationEvaluation {
  std::int64_t samples = 0;
  std::int64_t real = 0;  ///< pictures in the first half
  std::vector<std::string> classes;
  /// Share of the samples that the classifier gives the class that was asked for; absent when no class can
  /// be.
  std::optional<double> recognised;
  std::vector<std::optional<double>> recognised_of_class;  ///< of each class; absent where it has no sample
  double recognised_real = 0;                              ///< the same of the second half of the data
  /// Frechet distances (metric::frechet_distance) to the first half, by the means of the classifier's last
  /// feature maps over their places; absent for a classifier without such maps. `baseline`: of pictures made
  /// without a network, the mean of a class and independent noise with the deviation of each pixel.
  struct Distances {
    std::int64_t features = 0;
    double samples = 0, second_half = 0, baseline = 0;
  };
  std::optional<Distances> distances;
};

/// Lines of text, and a JSON object (UTF-8).
std::string to_terminal(const GenerationEvaluation& evaluation);
std::string to_json(const GenerationEvaluation& evaluation);

/// A trained model of the task "image-generate", to be used.
class PictureGenerator {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, and damaged
  /// or misfit weights (NaN included).
  explicit PictureGenerator(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~PictureGenerator();
  PictureGenerator(PictureGenerator&&) noexcept;
  PictureGenerator& operator=(PictureGenerator&&) noexcept;

  const ImageGenerateConfig& config() const;
  const std::vector<std::string>& classes() const;
  /// Whether a class can be asked for.
  bool is_conditional() const;

  /// A picture of each class in `labels`, a function of its class, the seed and its number alone. The labels
  /// are only counted unless is_conditional(). Throws Error for a class that there is not and a temperature
  /// out of range.
  std::vector<io::Image> make(std::span<const std::int64_t> labels,
                              const PictureSampling& sampling = {}) const;

  /// The picture that make() gives for this class, and where the generator looked while it made it: the
  /// attention that each place gets, and what the middles of the whole and of its quarters look at; with
  /// CBAM, its gates. Throws Error when the model has no attention over places.
  explain::PictureMaps see(std::int64_t label, const PictureSampling& sampling = {}) const;

  /// Compares samples with a data set (ImageClassifyJob::data says which there are; of an IDX folder those to
  /// test on). Throws Error when the classifier lacks a class of this model, and when there are too few
  /// pictures for its features.
  GenerationEvaluation evaluate(const std::filesystem::path& data, const PictureClassifier& classifier,
                                const GenerationEvaluationOptions& options = {}) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

/// Pictures of one size side by side, `columns` in a row, with white lines of two pixels between them. Throws
/// Error without pictures, for pictures of different shapes, and less than one column.
io::Image grid_of(std::span<const io::Image> pictures, std::int64_t columns);

}  // namespace attend::task

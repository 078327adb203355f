#include "attend/task/picture_generator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/metric/frechet.h"
#include "attend/model/image_generation_model.h"
#include "attend/model/weights.h"
#include "io/printable.h"
#include "task/image_classify/data.h"
#include "task/image_generate/attention_maps.h"
#include "task/image_generate/evaluate.h"
#include "task/model_folder.h"
#include "task/precision.h"

namespace attend::task {

namespace {

constexpr std::int64_t kAtOnce = 256;

void check(const PictureSampling& sampling) {
  if (!(sampling.temperature >= 0 && sampling.temperature <= 10) || sampling.first < 0)
    throw Error(fmt::format("temperature {}, first {}: a temperature from 0 to 10 and a number from 0 needed",
                            sampling.temperature, sampling.first));
}

/// From -1 to 1, to bytes.
std::vector<io::Image> images_of(const Tensor& pictures) {
  const auto values = pictures.to_vector<float>();
  const std::int64_t size = pictures.elements() / pictures.dim(0);
  std::vector<io::Image> images;
  for (std::int64_t i = 0; i < pictures.dim(0); ++i) {
    io::Image image{.height = pictures.dim(1), .width = pictures.dim(2), .channels = pictures.dim(3)};
    for (std::int64_t p = i * size; p < (i + 1) * size; ++p)
      image.pixels.push_back(static_cast<std::uint8_t>(
          std::clamp(std::lround((values[static_cast<std::size_t>(p)] + 1) * 127.5F), 0L, 255L)));
    images.push_back(std::move(image));
  }
  return images;
}

/// Class i of the model is class result[i] of the classifier.
std::vector<std::int64_t> classes_in(const PictureClassifier& classifier,
                                     const std::vector<std::string>& classes) {
  std::vector<std::int64_t> places;
  for (const std::string& name : classes) {
    const auto found = std::ranges::find(classifier.classes(), name);
    if (found == classifier.classes().end()) {
      std::vector<std::string> known;
      for (const std::string& other : classifier.classes()) known.push_back(io::printable(other));
      throw Error(fmt::format("the classifier has no class {}: it has {}", io::printable(name),
                              fmt::join(known, ", ")));
    }
    places.push_back(found - classifier.classes().begin());
  }
  return places;
}

/// Pictures with their classes.
struct Labelled {
  std::vector<io::Image> pictures;
  std::vector<std::int64_t> labels;
};

/// One picture here and one there, up to `most` each: pictures are often sorted by class.
std::pair<Labelled, Labelled> halves_of(const data::LabelledImages& images, std::int64_t most,
                                        const model::PictureShape& shape) {
  const std::int64_t pairs = images.size() / 2, used = std::min(pairs, most);
  std::pair<Labelled, Labelled> halves;
  for (std::int64_t i = 0; i < used; ++i) {
    const std::int64_t first = 2 * (i * pairs / used);
    for (const std::int64_t place : {first, first + 1}) {
      Labelled& half = place == first ? halves.first : halves.second;
      half.pictures.push_back(fitted(images.image(place), shape));
      half.labels.push_back(images.labels()[static_cast<std::size_t>(place)]);
    }
  }
  return halves;
}

double share(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

struct PictureGenerator::Content {
  ImageGenerateConfig config;
  std::unique_ptr<model::ImageGenerationModel> model;

  Tensor made(std::span<const std::int64_t> labels, std::int64_t first, const PictureSampling& sampling,
              const nn::Run& run) const {
    const autograd::NoGrad no_grad;
    const auto count = static_cast<std::int64_t>(labels.size());
    const Tensor classes = Tensor::from(labels, {count});
    const Tensor noise =
        model::latents_of(sampling.seed, first, count, config.model.latent, sampling.temperature);
    return model->generator().forward(model->latents(noise, classes), classes, run);
  }
};

PictureGenerator::PictureGenerator(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_image_generate_config(folder);
  content_->model = model::make_image_generation_model(content_->config.model);
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

PictureGenerator::~PictureGenerator() = default;
PictureGenerator::PictureGenerator(PictureGenerator&&) noexcept = default;
PictureGenerator& PictureGenerator::operator=(PictureGenerator&&) noexcept = default;

const ImageGenerateConfig& PictureGenerator::config() const {
  return content_->config;
}
const std::vector<std::string>& PictureGenerator::classes() const {
  return content_->config.classes;
}
bool PictureGenerator::is_conditional() const {
  return content_->config.model.conditional;
}

std::vector<io::Image> PictureGenerator::make(std::span<const std::int64_t> labels,
                                              const PictureSampling& sampling) const {
  check(sampling);
  const auto count = static_cast<std::int64_t>(labels.size());
  std::vector<io::Image> images;
  for (std::int64_t first = 0; first < count; first += kAtOnce) {
    const auto part = labels.subspan(static_cast<std::size_t>(first),
                                     static_cast<std::size_t>(std::min(kAtOnce, count - first)));
    for (io::Image& image : images_of(content_->made(part, sampling.first + first, sampling, {})))
      images.push_back(std::move(image));
  }
  return images;
}

explain::PictureMaps PictureGenerator::see(std::int64_t label, const PictureSampling& sampling) const {
  check(sampling);
  AttentionWatcher seen;
  nn::Run run;
  run.observer = &seen;
  const std::vector<std::int64_t> labels = {label};
  const Tensor picture = content_->made(labels, sampling.first, sampling, run);
  const model::ImageGenerationConfig& config = content_->config.model;
  explain::PictureMaps maps{
      .title = is_conditional()
                   ? fmt::format("{}, seed {}", classes()[static_cast<std::size_t>(label)], sampling.seed)
                   : fmt::format("seed {}", sampling.seed),
      .picture = images_of(picture)[0],
      .maps = maps_of(seen, config)};
  if (maps.maps.empty())
    throw Error(fmt::format("this model has no attention over places to be seen: its block is {}",
                            nn::name_of(config.block)));
  return maps;
}

GenerationEvaluation PictureGenerator::evaluate(const std::filesystem::path& data,
                                                const PictureClassifier& classifier,
                                                const GenerationEvaluationOptions& options) const {
  check(options.sampling);
  if (options.most < 1) throw Error(fmt::format("{} pictures: at least 1 needed", options.most));
  const std::vector<std::int64_t> places = classes_in(classifier, classes());
  const data::LabelledImages images = open_pictures(to_test_on(data), options.skip_bad, classes());
  if (images.size() < 2)
    throw Error(fmt::format("{}: {} pictures are too few for two halves", io::printable(data.string()),
                            images.size()));
  const auto [first, second] = halves_of(images, options.most, content_->config.model.pictures());
  const Seen of_first = seen_by(classifier, first.pictures), of_second = seen_by(classifier, second.pictures),
             of_samples = seen_by(classifier, make(second.labels, options.sampling));

  GenerationEvaluation result;
  result.samples = static_cast<std::int64_t>(second.labels.size());
  result.real = static_cast<std::int64_t>(first.labels.size());
  result.classes = classes();
  std::vector<std::int64_t> asked(classes().size()), right(classes().size());
  std::int64_t all_right = 0, real_right = 0;
  for (std::size_t i = 0; i < second.labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(second.labels[i]);
    ++asked[label];
    if (of_samples.labels[i] == places[label]) ++right[label], ++all_right;
    if (of_second.labels[i] == places[label]) ++real_right;
  }
  result.recognised_real = share(real_right, result.samples);
  if (is_conditional()) result.recognised = share(all_right, result.samples);
  for (std::size_t i = 0; i < asked.size(); ++i)
    result.recognised_of_class.push_back(
        is_conditional() && asked[i] > 0 ? std::optional(share(right[i], asked[i])) : std::nullopt);
  if (of_first.features.empty()) return result;

  const auto features = static_cast<std::int64_t>(of_first.features.size() / first.pictures.size());
  const metric::FeatureStatistics real = metric::feature_statistics(of_first.features, features);
  const auto distance = [&](const Seen& seen) {
    return metric::frechet_distance(real, metric::feature_statistics(seen.features, features));
  };
  const std::vector<io::Image> baseline =
      mean_and_noise(second.pictures, second.labels, options.sampling.seed);
  result.distances = GenerationEvaluation::Distances{.features = features,
                                                     .samples = distance(of_samples),
                                                     .second_half = distance(of_second),
                                                     .baseline = distance(seen_by(classifier, baseline))};
  return result;
}

}  // namespace attend::task

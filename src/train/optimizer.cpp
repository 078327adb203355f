#include "attend/train/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "train/tensor_file.h"

namespace attend::train {
namespace {

// Elements of one parallel piece: four arrays of 64 KB stay in the second-level cache.
constexpr std::int64_t kPiece = 1 << 14;

// More than any run makes, and far from where counting overflows.
constexpr std::int64_t kMostUpdates = std::int64_t{1} << 53;

struct Piece {
  std::size_t tensor;
  std::int64_t begin, end;
};

/// Pieces of at most kPiece elements that cover tensors of these sizes.
std::vector<Piece> pieces_of(const std::vector<std::int64_t>& sizes) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    for (std::int64_t begin = 0; begin < sizes[i]; begin += kPiece)
      pieces.push_back({i, begin, std::min(begin + kPiece, sizes[i])});
  return pieces;
}

/// The gradient as dense memory; undefined when there is none.
Tensor dense_gradient(const Parameter& parameter) {
  const Tensor gradient = autograd::grad(parameter.tensor);
  if (!gradient.defined()) return gradient;
  if (gradient.dtype() != DType::f32 || !(gradient.shape() == parameter.tensor.shape()))
    throw Error(fmt::format("the gradient of {} is {}, expected f32 {}", parameter.name, gradient.text(),
                            parameter.tensor.shape().text()));
  return gradient.is_contiguous() ? gradient : gradient.clone();
}

/// One partial sum for each piece, added in their order.
double sum_of_squares(const std::vector<Tensor>& tensors) {
  std::vector<std::int64_t> sizes;
  for (const Tensor& tensor : tensors) sizes.push_back(tensor.elements());
  const std::vector<Piece> pieces = pieces_of(sizes);
  std::vector<double> sums(pieces.size());
  parallel_for(static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Piece& piece = pieces[static_cast<std::size_t>(i)];
      sums[static_cast<std::size_t>(i)] = backend::kernels().optimizer.sum_of_squares(
          tensors[piece.tensor].data<float>() + piece.begin, piece.end - piece.begin);
    }
  });
  double total = 0;
  for (double sum : sums) total += sum;
  return total;
}

void require(bool holds, std::string_view option, double found, std::string_view accepted) {
  if (!holds) throw Error(fmt::format("{} is {}, accepted: {}", option, found, accepted));
}

}  // namespace

Optimizer::Optimizer(std::vector<Parameter> parameters, std::vector<std::string> kept_for_each)
    : parameters_(std::move(parameters)), kept_names_(std::move(kept_for_each)) {
  if (parameters_.empty()) throw Error("there is no parameter to optimize");
  std::set<std::string> names;
  for (const Parameter& parameter : parameters_) {
    if (parameter.tensor.dtype() != DType::f32 || !parameter.tensor.is_contiguous())
      throw Error(fmt::format("parameter {} is {}, an optimizer needs dense f32", parameter.name,
                              parameter.tensor.text()));
    if (!names.insert(parameter.name).second)
      throw Error(fmt::format("parameter {} is given twice", parameter.name));
    steps_.push_back(Tensor::zeros({}, DType::i64));
    std::vector<Tensor>& kept = kept_.emplace_back();
    for (std::size_t i = 0; i < kept_names_.size(); ++i)
      kept.push_back(Tensor::zeros(parameter.tensor.shape()));
  }
}

void Optimizer::step(double learning_rate, double gradient_scale) {
  std::vector<Tensor> gradients;
  for (const Parameter& parameter : parameters_) gradients.push_back(dense_gradient(parameter));
  std::vector<Update> updates;
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!gradients[i].defined()) continue;
    const Tensor& tensor = parameters_[i].tensor;
    Update update{&parameters_[i],   gradients[i].data<float>(),       tensor.data<float>(), {},
                  tensor.elements(), ++*steps_[i].data<std::int64_t>()};
    for (const Tensor& kept : kept_[i]) update.kept.push_back(kept.data<float>());
    updates.push_back(std::move(update));
    sizes.push_back(tensor.elements());
  }
  const std::vector<Piece> pieces = pieces_of(sizes);
  parallel_for(static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Piece& piece = pieces[static_cast<std::size_t>(i)];
      update(updates[piece.tensor], learning_rate, gradient_scale, piece.begin, piece.end);
    }
  });
}

std::vector<std::pair<std::string, Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, Tensor>> result;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    result.emplace_back(parameters_[i].name + ".step", steps_[i]);
    for (std::size_t k = 0; k < kept_names_.size(); ++k)
      result.emplace_back(parameters_[i].name + "." + kept_names_[k], kept_[i][k]);
  }
  return result;
}

void Optimizer::save(const std::filesystem::path& path) const {
  write_tensors(path, state());
}

void Optimizer::load(const std::filesystem::path& path) {
  const NamedTensors own = state();
  const NamedTensors read = read_tensors(path, own);
  for (const auto& [name, tensor] : read) {
    if (tensor.dtype() != DType::i64) continue;
    const std::int64_t count = *tensor.data<std::int64_t>();
    if (count < 0 || count > kMostUpdates)
      throw Error(fmt::format("{}: {} is {}, no number of updates", path.string(), name, count));
  }
  for (std::size_t i = 0; i < own.size(); ++i) own[i].second.copy_from(read[i].second);
}

AdamW::AdamW(std::vector<Parameter> parameters) : AdamW(std::move(parameters), Options()) {}

AdamW::AdamW(std::vector<Parameter> parameters, const Options& options)
    : Optimizer(std::move(parameters), {"first_moment", "second_moment"}), options_(options) {
  require(options.beta1 >= 0 && options.beta1 < 1, "beta1", options.beta1, "0 to below 1");
  require(options.beta2 >= 0 && options.beta2 < 1, "beta2", options.beta2, "0 to below 1");
  require(options.epsilon > 0 && std::isfinite(options.epsilon), "epsilon", options.epsilon, "above 0");
  require(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "weight decay",
          options.weight_decay, "0 or more");
}

void AdamW::update(const Update& u, double learning_rate, double gradient_scale, std::int64_t begin,
                   std::int64_t end) const {
  const auto t = static_cast<double>(u.step);
  backend::AdamWFactors factors;
  factors.gradient_scale = static_cast<float>(gradient_scale);
  factors.beta1 = static_cast<float>(options_.beta1);
  factors.beta2 = static_cast<float>(options_.beta2);
  factors.step_size = static_cast<float>(learning_rate / (1 - std::pow(options_.beta1, t)));
  factors.second_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
  factors.epsilon = static_cast<float>(options_.epsilon);
  factors.keep = u.parameter->decay ? static_cast<float>(1 - learning_rate * options_.weight_decay) : 1.0f;
  backend::kernels().optimizer.adamw(factors, u.gradient + begin, u.values + begin, u.kept[0] + begin,
                                     u.kept[1] + begin, end - begin);
}

Sgd::Sgd(std::vector<Parameter> parameters) : Sgd(std::move(parameters), Options()) {}

Sgd::Sgd(std::vector<Parameter> parameters, const Options& options)
    : Optimizer(std::move(parameters),
                options.momentum > 0 ? std::vector<std::string>{"velocity"} : std::vector<std::string>{}),
      options_(options) {
  require(options.momentum >= 0 && options.momentum < 1, "momentum", options.momentum, "0 to below 1");
  require(!options.nesterov || options.momentum > 0, "momentum", options.momentum, "above 0 with nesterov");
  require(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "weight decay",
          options.weight_decay, "0 or more");
}

void Sgd::update(const Update& u, double learning_rate, double gradient_scale, std::int64_t begin,
                 std::int64_t end) const {
  backend::SgdFactors factors;
  factors.gradient_scale = static_cast<float>(gradient_scale);
  factors.learning_rate = static_cast<float>(learning_rate);
  factors.momentum = static_cast<float>(options_.momentum);
  factors.decay = u.parameter->decay ? static_cast<float>(options_.weight_decay) : 0.0f;
  factors.nesterov = options_.nesterov;
  backend::kernels().optimizer.sgd(factors, u.gradient + begin, u.values + begin,
                                   u.kept.empty() ? nullptr : u.kept[0] + begin, end - begin);
}

double gradient_norm(const std::vector<Parameter>& parameters) {
  std::vector<Tensor> gradients;
  for (const Parameter& parameter : parameters)
    if (Tensor gradient = dense_gradient(parameter); gradient.defined()) gradients.push_back(gradient);
  return std::sqrt(sum_of_squares(gradients));
}

bool all_finite(const std::vector<Parameter>& parameters) {
  std::vector<Tensor> tensors;
  for (const Parameter& parameter : parameters) tensors.push_back(parameter.tensor);
  return std::isfinite(sum_of_squares(tensors));
}

double clip_scale(double norm, double max_norm) {
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

void clear_gradients(const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters) autograd::clear_grad(parameter.tensor);
}

}  // namespace attend::train

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "attend/nn/module.h"

namespace attend::train {

using Parameter = nn::NamedParameter;

/// Updates parameters by their gradients (autograd::grad). Parameters, gradients and state are f32,
/// parameters dense. A parameter without a gradient is left as it is. The bits of an update do not depend on
/// the number of threads.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update. Every gradient is multiplied by `gradient_scale` (see clip_scale) on the way. Throws Error,
  /// before anything is changed, for a gradient that is not f32.
  void step(double learning_rate, double gradient_scale = 1);

  const std::vector<Parameter>& parameters() const { return parameters_; }

  /// The state by name, in memory that the optimizer goes on using: "NAME.step" (i64 scalar: updates of this
  /// parameter so far) and what the optimizer keeps for each parameter.
  std::vector<std::pair<std::string, Tensor>> state() const;
  /// Replaces the file by one with the state, in the safetensors format.
  void save(const std::filesystem::path& path) const;
  /// Reads what save() of an equal optimizer wrote. Throws Error naming the file and the tensor when one is
  /// missing, unexpected, or of another shape or dtype; then no state has changed.
  void load(const std::filesystem::path& path);

 protected:
  /// Throws Error for a parameter that is not f32 and dense, a name given twice, or no parameter at all.
  Optimizer(std::vector<Parameter> parameters, std::vector<std::string> kept_for_each);

  struct Update {
    const Parameter* parameter;
    const float* gradient;
    float* values;
    std::vector<float*> kept;  ///< one for each name of `kept_for_each`
    std::int64_t count;
    std::int64_t step;  ///< 1 at the first update of this parameter
  };
  /// Updates elements [begin, end) of a parameter; called from several threads.
  virtual void update(const Update& update, double learning_rate, double gradient_scale, std::int64_t begin,
                      std::int64_t end) const = 0;

 private:
  std::vector<Parameter> parameters_;
  std::vector<std::string> kept_names_;
  std::vector<std::vector<Tensor>> kept_;
  std::vector<Tensor> steps_;
};

/// AdamW (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019). With gradient g, update t
/// = 1, 2 ... and learning rate a:
///
///     m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2
///     p = p - a weight_decay p - a (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
///
/// Parameters with decay = false are not decayed. State: "NAME.first_moment", "NAME.second_moment".
class AdamW : public Optimizer {
 public:
  struct Options {
    double beta1 = 0.9;         ///< in [0, 1)
    double beta2 = 0.999;       ///< in [0, 1)
    double epsilon = 1e-8;      ///< > 0
    double weight_decay = 0.1;  ///< >= 0
  };
  /// Throws Error for an option out of its range.
  explicit AdamW(std::vector<Parameter> parameters);
  AdamW(std::vector<Parameter> parameters, const Options& options);

 private:
  void update(const Update& update, double learning_rate, double gradient_scale, std::int64_t begin,
              std::int64_t end) const override;

  Options options_;
};

/// Stochastic gradient descent with momentum (Polyak, 1964) or Nesterov's (Sutskever et al., ICML 2013):
///
///     d = g + weight_decay p        u = momentum u + d
///     p = p - a u                   with nesterov: p = p - a (d + momentum u)
///
/// Parameters with decay = false are not decayed. State, when momentum > 0: "NAME.velocity".
class Sgd : public Optimizer {
 public:
  struct Options {
    double momentum = 0.9;    ///< in [0, 1)
    bool nesterov = false;    ///< needs momentum > 0
    double weight_decay = 0;  ///< >= 0
  };
  /// Throws Error for an option out of its range.
  explicit Sgd(std::vector<Parameter> parameters);
  Sgd(std::vector<Parameter> parameters, const Options& options);

 private:
  void update(const Update& update, double learning_rate, double gradient_scale, std::int64_t begin,
              std::int64_t end) const override;

  Options options_;
};

/// The Euclidean norm of all gradients together, added up in f64 in an order that does not depend on the
/// number of threads. Parameters without a gradient count as zero. Throws Error for a gradient that is not
/// f32.
double gradient_norm(const std::vector<Parameter>& parameters);

/// True when no element of any parameter is infinite or NaN.
bool all_finite(const std::vector<Parameter>& parameters);

/// What gradients of this norm must be multiplied by so that their norm is at most `max_norm` (Pascanu et
/// al., "On the difficulty of training recurrent neural networks", ICML 2013): min(1, max_norm / (norm +
/// 1e-6)); 1 when max_norm is 0 (no clipping).
double clip_scale(double norm, double max_norm);

/// Drops all gradients and their memory.
void clear_gradients(const std::vector<Parameter>& parameters);

}  // namespace attend::train

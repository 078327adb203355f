#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "attend/tensor/tensor.h"

namespace attend::nn {

/// A parameter by its place in the model, such as "blocks.0.attention.qkv.weight".
struct NamedParameter {
  std::string name;
  Tensor tensor;
  /// Weight decay applies: true for matrices, false for biases and the parameters of norms.
  bool decay = true;
  /// False for what a module keeps beside its parameters (Module::add_buffer): saved with them, never
  /// trained.
  bool trainable = true;
};

/// Something with parameters. A module names its own tensors and the modules it is made of, in its
/// constructor; all else follows from these names. The tensors and modules named must be members: a module is
/// neither copied nor moved.
///
///     struct Head : nn::Module {
///       nn::Linear linear;
///       explicit Head(Generator& random) : linear(64, 10, {}, random) { add_child("linear", linear); }
///     };
class Module {
 public:
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// All parameters in the order they were added, depth first. A tensor in two places is listed once, by the
  /// first.
  std::vector<NamedParameter> parameters() const;
  /// Number of elements of all trainable parameters().
  std::int64_t parameter_count() const;

  /// Replaces the parameters by ones of another floating dtype. f32 and f64: all of them, and they keep
  /// whether they require a gradient. bf16, for inference: matrices only (biases and norms stay f32), and no
  /// gradient any more. Throws Error for other dtypes.
  void cast_parameters(DType dtype);

  /// Copies `tensors` into the parameters of the same names; `source` stands for the file in error messages.
  /// A dtype must be the parameter's or widen to it without loss (bf16 to f32, f32 or bf16 to f64). Throws
  /// Error naming the tensor that is missing, unexpected, or of wrong shape or dtype; then no parameter has
  /// changed. With a prefix ("encoder."), only the parameters whose names begin with it.
  void load(const std::map<std::string, Tensor>& tensors, std::string_view source = "weights",
            std::string_view prefix = {});

 protected:
  Module() = default;

  /// Names a member as a parameter; it requires a gradient from now on. Undefined tensors (no bias) are
  /// skipped. Throws Error for a name given before.
  void add_parameter(const std::string& name, Tensor& member, bool decay);
  /// Names a member as a buffer: a tensor that is saved and loaded with the parameters and belongs to a
  /// training's state, but gets no gradient, such as the running statistics of a norm. Throws Error for a
  /// name given before.
  void add_buffer(const std::string& name, Tensor& member);
  /// Names a member as a part of this module; its parameters become "name.its name". Throws Error for a name
  /// given before.
  void add_child(const std::string& name, Module& child);

 private:
  struct Entry {
    std::string name;
    Tensor* tensor = nullptr;
    bool decay = true;
    bool trainable = true;
    Module* child = nullptr;
  };
  struct Slot {
    std::string name;
    Tensor* tensor;
    bool decay, trainable;
  };

  void check_new(const std::string& name) const;
  void collect(const std::string& prefix, std::vector<Slot>& slots) const;
  std::vector<Slot> slots() const;

  std::vector<Entry> entries_;
};

}  // namespace attend::nn

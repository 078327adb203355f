#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "attend/tensor/tensor.h"

namespace attend::autograd {

using Tensors = std::vector<Tensor>;

/// Makes a tensor without history a leaf that gradients are kept for (a parameter, or an input to be
/// explained). Throws Error when its dtype is not floating point or it is the result of a recorded operation.
void set_requires_grad(const Tensor& tensor, bool value = true);

/// True for leaves made by set_requires_grad() and for results of recorded operations.
bool requires_grad(const Tensor& tensor);

/// The gradient that backward() has accumulated for a leaf; undefined when there is none yet.
Tensor grad(const Tensor& leaf);
void set_grad(const Tensor& leaf, const Tensor& gradient);
/// Makes grad(leaf) undefined.
void clear_grad(const Tensor& leaf);

struct BackwardOptions {
  /// Keep what the operations saved, so that the same graph can be walked again.
  bool retain_graph = false;
};

/// Reverse-mode differentiation: adds d<cotangent, output>/d leaf to grad() of every leaf the output depends
/// on. Without a cotangent the output must have one element, and its cotangent is 1. Throws Error when the
/// output depends on no leaf, or the graph was already walked without retain_graph.
void backward(const Tensor& output, const Tensor& cotangent = {}, const BackwardOptions& options = {});

/// The gradients d<cotangents, outputs>/d inputs, without touching grad() of any leaf. Inputs may be leaves
/// or results of recorded operations. An input that no output depends on gets an undefined tensor.
Tensors gradients(const Tensors& outputs, const Tensors& inputs, const Tensors& cotangents = {},
                  const BackwardOptions& options = {});

/// While one of these lives, operations of this thread are not recorded.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// While one of these lives, operations of this thread are recorded, also inside a NoGrad.
class WithGrad {
 public:
  WithGrad();
  ~WithGrad();
  WithGrad(const WithGrad&) = delete;
  WithGrad& operator=(const WithGrad&) = delete;

 private:
  bool before_;
};

/// True when recording is on and at least one of the tensors requires a gradient. Undefined tensors do not.
bool is_recording(std::initializer_list<Tensor> inputs);
bool is_recording(std::span<const Tensor> inputs);

/// Given the gradients of the outputs (undefined where none arrived), returns those of the inputs, undefined
/// where an input needs none. It must not hold the output tensors themselves, only detached ones: an output
/// owns its operation.
using BackwardFunction = std::function<Tensors(const Tensors& output_gradients)>;

/// Puts an operation on the tape: call only when is_recording(inputs). The name appears in error messages.
void record(const char* name, const Tensors& inputs, const Tensors& outputs, BackwardFunction backward);

/// Activation checkpointing (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016): computes
/// `segment(inputs)` without keeping what its backward needs, and computes it again during backward. The
/// segment must be a pure function of its inputs and of leaves it refers to, the same bits each time (random
/// streams included). It may return inputs and leaves as they came. Leaves it refers to get their gradients
/// as without checkpointing, from backward() and from gradients() alike; results of operations inside it
/// cannot be asked for.
Tensors checkpoint(const std::function<Tensors(const Tensors&)>& segment, const Tensors& inputs);

}  // namespace attend::autograd

#pragma once

#include <memory>

#include "attend/attention/reinforce.h"
#include "attend/attention/spec.h"
#include "attend/autograd/tape.h"
#include "attend/nn/norm.h"
#include "attend/op/arithmetic.h"
#include "attend/op/dropout.h"

/// What the blocks of a transformer share.
namespace attend::nn {

/// How a block adds a branch to its stream.
struct BranchOptions {
  bool post_norm = false, training = false;
  double dropout = 0;
};

/// x = x + dropout(branch(norm(x))), whose sum is left open; with post_norm x = norm(x + dropout(branch(x))).
template <class Function>
void add_branch(Residual& x, const Norm& norm, const BranchOptions& options, RandomStream stream,
                Function&& branch) {
  const auto dropped = [&](const Tensor& y) {
    return options.training && options.dropout > 0 ? op::dropout(y, options.dropout, stream) : y;
  };
  if (!options.post_norm) {
    const Tensor normed = norm.forward(x);
    x.branch = dropped(branch(normed));
    return;
  }
  if (x.branch.defined()) x = {op::add(x.sum, x.branch), Tensor()};
  x.branch = dropped(branch(x.sum));
  x = {norm.forward(x), Tensor()};
}

/// Keeps only `inputs` for the backward pass, and calls `forward(inputs, first)` again there, with first
/// false: the observer is told once.
template <class Forward>
Residual recomputed(const autograd::Tensors& inputs, Forward forward) {
  // Shared by the copies of the segment.
  const auto was_called = std::make_shared<bool>(false);
  const auto segment = [forward, was_called](const autograd::Tensors& given) {
    const Residual result = forward(given, !*was_called);
    *was_called = true;
    return result.branch.defined() ? autograd::Tensors{result.sum, result.branch}
                                   : autograd::Tensors{result.sum};
  };
  const autograd::Tensors outputs = autograd::checkpoint(segment, inputs);
  return {outputs[0], outputs.size() > 1 ? outputs[1] : Tensor()};
}

/// Throws Error when draws are asked for (nn::Run::draws): recomputing loses their place on the tape.
void check_no_draws(const attention::Draws* draws);

/// True when attention of this kind draws random numbers in training.
bool draws_random_numbers(const AttentionSpec& spec);

}  // namespace attend::nn

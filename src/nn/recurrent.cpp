#include "attend/nn/recurrent.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"
#include "attend/op/shape.h"

namespace attend::nn {

namespace {

LinearOptions options_of(std::int64_t width) {
  return {.initialisation_std = 1 / std::sqrt(3 * static_cast<double>(std::max<std::int64_t>(width, 1)))};
}

std::int64_t half_of(std::int64_t width) {
  if (width < 2 || width % 2 != 0)
    throw Error(fmt::format("a recurrent layer of {} units in two directions: an even number needed", width));
  return width / 2;
}

}  // namespace

Recurrent::Recurrent(std::int64_t in, std::int64_t width, const RecurrentOptions& options, Generator& random)
    : options_(options),
      input_(in, op::gates_of(options.cell) * width, options_of(width), random),
      recurrent_(width, op::gates_of(options.cell) * width, options_of(width), random) {
  if (options.cell == op::RecurrentCell::lstm) std::fill_n(input_.bias().data<float>() + width, width, 1.0F);
  add_child("input", input_);
  add_child("recurrent", recurrent_);
}

op::RecurrentResult Recurrent::forward(const Tensor& x, const op::RecurrentState& before,
                                       const Tensor& lengths) const {
  return steps(project(x), before, lengths);
}

op::RecurrentResult Recurrent::steps(const Tensor& projected, const op::RecurrentState& before,
                                     const Tensor& lengths) const {
  return op::recurrent(options_.cell, projected, recurrent_.weight(), recurrent_.bias(), before,
                       {.reverse = options_.reverse, .lengths = lengths});
}

BidirectionalRecurrent::BidirectionalRecurrent(std::int64_t in, std::int64_t width, op::RecurrentCell cell,
                                               Generator& random)
    : there_(in, half_of(width), {.cell = cell}, random),
      back_(in, half_of(width), {.cell = cell, .reverse = true}, random) {
  add_child("forward", there_);
  add_child("backward", back_);
}

op::RecurrentResult BidirectionalRecurrent::forward(const Tensor& x, const Tensor& lengths) const {
  const op::RecurrentResult there = there_.forward(x, {}, lengths), back = back_.forward(x, {}, lengths);
  op::RecurrentResult both{.outputs = op::concatenate({there.outputs, back.outputs}, 2),
                           .last = {.hidden = op::concatenate({there.last.hidden, back.last.hidden}, 1)}};
  if (there.last.cell.defined()) both.last.cell = op::concatenate({there.last.cell, back.last.cell}, 1);
  return both;
}

}  // namespace attend::nn

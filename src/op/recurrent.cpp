#include "attend/op/recurrent.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/kernels.h"
#include "backend/matmul.h"
#include "op/column_sum.h"

namespace attend::op {

namespace {

constexpr std::int64_t kUnitsOfAChunk = 1 << 13;

DType wide_of(DType dtype) {
  return dtype == DType::f64 ? DType::f64 : DType::f32;
}

Tensor transposed(const Tensor& matrix) {
  return matrix.view_as({matrix.dim(1), matrix.dim(0)}, {matrix.strides()[1], matrix.strides()[0]});
}

Tensor dense_if_given(const Tensor& tensor) {
  return !tensor.defined() || tensor.is_contiguous() ? tensor : tensor.clone();
}

/// Matrix `place` of x [count, rows, columns].
Tensor at(const Tensor& x, std::int64_t place) {
  return x.view_as({x.dim(1), x.dim(2)}, {x.dim(2), 1}, place * x.dim(1) * x.dim(2));
}

/// `count` matrices of x [.., rows, columns] from `first`.
Tensor part(const Tensor& x, std::int64_t first, std::int64_t count) {
  return x.view_as({count, x.dim(1), x.dim(2)}, x.strides(), first * x.dim(1) * x.dim(2));
}

Tensor as_rows(const Tensor& x) {
  return x.view_as({x.dim(0) * x.dim(1), x.dim(2)}, {x.dim(2), 1});
}

/// A tensor of its own that gradients are added up in.
Tensor sum_from(const Tensor& values, const Shape& shape, DType dtype) {
  if (!values.defined()) return Tensor::zeros(shape, dtype);
  return values.dtype() == dtype ? values.clone() : backend::cast(values, dtype);
}

/// All that a layer keeps of a pass over its sequences.
struct Pass {
  RecurrentCell cell = RecurrentCell::gru;
  bool reverse = false;
  std::int64_t length = 0, batch = 0, width = 0;
  DType dtype = DType::f32;
  Tensor lengths, weight;
  /// [length + 1, batch, width]: states before and after every token, and of lstm the cells, wide.
  Tensor states, cells;
  Tensor gates, candidates;  ///< [length, batch, ...]; undefined off the tape

  /// The token of step i, and where its states stand.
  std::int64_t token(std::int64_t i) const { return reverse ? length - 1 - i : i; }
  std::int64_t before(std::int64_t i) const { return reverse ? length - i : i; }
  std::int64_t after(std::int64_t i) const { return reverse ? length - 1 - i : i + 1; }
  /// States before, and after, each token.
  Tensor states_before() const { return part(states, reverse ? 1 : 0, length); }
  Tensor states_after() const { return part(states, reverse ? 0 : 1, length); }

  template <class Work>
  void fill(Work& work, std::int64_t i) const {
    work.dtype = dtype;
    work.width = width;
    work.lengths = lengths.defined() ? lengths.data<std::int32_t>() : nullptr;
    work.time = token(i);
  }
  template <class Work>
  void each_row(const Work& work, void (*kernel)(const Work&, std::int64_t, std::int64_t)) const {
    parallel_for(batch, std::max<std::int64_t>(1, kUnitsOfAChunk / width),
                 [&](std::int64_t begin, std::int64_t end) { kernel(work, begin, end); });
  }

  void forward(const Tensor& input, const Tensor& bias) const;
  void forward_step(const Tensor& input, const Tensor& products, std::int64_t i) const;
  void backward_step(const Tensor& doutput, const Tensor& carry, const Tensor& cell_carry,
                     const Tensor& dinput, const Tensor& dproducts, std::int64_t i) const;
};

void Pass::forward_step(const Tensor& input, const Tensor& products, std::int64_t i) const {
  const auto& kernels = backend::kernels().recurrent;
  const std::int64_t t = token(i);
  if (cell == RecurrentCell::gru) {
    backend::RecurrentKernels::GruForward work;
    fill(work, i);
    work.input = at(input, t).raw();
    work.products = products.raw();
    work.before = at(states, before(i)).raw();
    work.state = at(states, after(i)).raw();
    if (gates.defined()) {
      work.gates = at(gates, t).raw();
      work.candidate = at(candidates, t).raw();
    }
    each_row(work, kernels.gru_forward);
    return;
  }
  backend::RecurrentKernels::LstmForward work;
  fill(work, i);
  work.input = at(input, t).raw();
  work.products = products.raw();
  work.before = at(states, before(i)).raw();
  work.cell_before = at(cells, before(i)).raw();
  work.state = at(states, after(i)).raw();
  work.cell = at(cells, after(i)).raw();
  if (gates.defined()) work.gates = at(gates, t).raw();
  each_row(work, kernels.lstm_forward);
}

void Pass::forward(const Tensor& input, const Tensor& bias) const {
  const Tensor products = Tensor::empty({batch, gates_of(cell) * width}, wide_of(dtype));
  for (std::int64_t i = 0; i < length; ++i) {
    backend::matmul(at(states, before(i)), transposed(weight), products, {.bias = bias});
    forward_step(input, products, i);
  }
}

void Pass::backward_step(const Tensor& doutput, const Tensor& carry, const Tensor& cell_carry,
                         const Tensor& dinput, const Tensor& dproducts, std::int64_t i) const {
  const auto& kernels = backend::kernels().recurrent;
  const std::int64_t t = token(i);
  const void* of_output = doutput.defined() ? at(doutput, t).raw() : nullptr;
  if (cell == RecurrentCell::gru) {
    backend::RecurrentKernels::GruBackward work;
    fill(work, i);
    work.gates = at(gates, t).raw();
    work.candidate = at(candidates, t).raw();
    work.before = at(states, before(i)).raw();
    work.doutput = of_output;
    work.carry = carry.raw();
    work.dinput = at(dinput, t).raw();
    work.dproducts = at(dproducts, t).raw();
    each_row(work, kernels.gru_backward);
    return;
  }
  backend::RecurrentKernels::LstmBackward work;
  fill(work, i);
  work.gates = at(gates, t).raw();
  work.cell_before = at(cells, before(i)).raw();
  work.cell = at(cells, after(i)).raw();
  work.doutput = of_output;
  work.carry = carry.raw();
  work.cell_carry = cell_carry.raw();
  work.dinput = at(dinput, t).raw();
  each_row(work, kernels.lstm_backward);
}

void check(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
           const RecurrentState& before, const RecurrentOptions& options) {
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("recurrent layer of input {}, weight {}, bias {}: {}", input.text(),
                            weight.text(), bias.text(), why));
  };
  const std::int64_t gates = gates_of(cell);
  if (weight.rank() != 2 || weight.dim(1) < 1 || weight.dim(0) != gates * weight.dim(1))
    fail(fmt::format("weight [{} width, width] needed", gates));
  if (input.rank() != 3 || input.dim(2) != weight.dim(0) || input.elements() == 0)
    fail("input [length, batch, rows of the weight], with a token at least, needed");
  const bool master = input.dtype() == DType::bf16 && weight.dtype() == DType::f32;
  if (!is_floating(input.dtype()) || (input.dtype() != weight.dtype() && !master))
    fail("one floating dtype needed, or bf16 input with f32 weight");
  const DType wide = wide_of(input.dtype());
  if (bias.defined() && (!(bias.shape() == Shape{weight.dim(0)}) || bias.dtype() != wide))
    fail(fmt::format("bias {} [{}] needed", name_of(wide), weight.dim(0)));
  const Shape state = {input.dim(1), weight.dim(1)};
  const auto check_state = [&](const char* name, const Tensor& x, DType dtype) {
    if (x.defined() && (!(x.shape() == state) || x.dtype() != dtype))
      fail(fmt::format("{} {} before, {} {} needed", name, x.text(), name_of(dtype), state.text()));
  };
  check_state("hidden state", before.hidden, input.dtype());
  check_state("cell", before.cell, wide);
  if (cell == RecurrentCell::gru && before.cell.defined()) fail("a gru has no cell to begin with");
  const Tensor& lengths = options.lengths;
  if (!lengths.defined()) return;
  if (lengths.dtype() != DType::i32 || !(lengths.shape() == Shape{input.dim(1)}) || !lengths.is_contiguous())
    fail(fmt::format("lengths {}: i32 [{}] needed", lengths.text(), input.dim(1)));
  for (std::int64_t i = 0; i < lengths.dim(0); ++i)
    if (const std::int32_t length = lengths.data<std::int32_t>()[i]; length < 0 || length > input.dim(0))
      fail(fmt::format("length {} of row {}: 0 to {} needed", length, i, input.dim(0)));
}

/// Gradients of input, weight, bias, hidden state and cell before.
autograd::Tensors gradients_of(const Pass& pass, const autograd::Tensors& given, DType weight_dtype,
                               const std::vector<bool>& wanted) {
  const DType wide = wide_of(pass.dtype);
  const Shape state = {pass.batch, pass.width};
  const Shape of_gates = {pass.length, pass.batch, gates_of(pass.cell) * pass.width};
  const Tensor doutput = dense_if_given(given[0]);
  const Tensor carry = sum_from(given[1], state, wide);
  const Tensor cell_carry = pass.cell == RecurrentCell::lstm ? sum_from(given[2], state, wide) : Tensor();
  const Tensor dinput = Tensor::empty(of_gates, pass.dtype);
  // The reset gate stands between the two for one part of a gru.
  const Tensor dproducts = pass.cell == RecurrentCell::gru ? Tensor::empty(of_gates, pass.dtype) : dinput;
  for (std::int64_t i = pass.length - 1; i >= 0; --i) {
    pass.backward_step(doutput, carry, cell_carry, dinput, dproducts, i);
    if (i > 0 || wanted[3])
      backend::matmul(at(dproducts, pass.token(i)), pass.weight, carry, {.bias = {}, .accumulate = true});
  }
  autograd::Tensors result(5);
  if (wanted[0]) result[0] = dinput;
  if (wanted[1]) {
    result[1] = Tensor::empty(pass.weight.shape(), weight_dtype);
    backend::matmul(transposed(as_rows(dproducts)), as_rows(pass.states_before()), result[1]);
  }
  if (wanted[2]) result[2] = column_sum(as_rows(dproducts));
  if (wanted[3]) result[3] = backend::cast(carry, pass.dtype);
  if (wanted[4]) result[4] = cell_carry;
  return result;
}

}  // namespace

std::int64_t gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::gru ? 3 : 4;
}

RecurrentResult recurrent(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
                          const RecurrentState& before, const RecurrentOptions& options) {
  check(cell, input, weight, bias, before, options);
  const bool recording = autograd::is_recording({input, weight, bias, before.hidden, before.cell});
  Pass pass;
  pass.cell = cell;
  pass.reverse = options.reverse;
  pass.length = input.dim(0);
  pass.batch = input.dim(1);
  pass.width = weight.dim(1);
  pass.dtype = input.dtype();
  pass.lengths = options.lengths;
  pass.weight = backend::cast(weight.detach(), pass.dtype);
  const Shape series = {pass.length + 1, pass.batch, pass.width}, state = {pass.batch, pass.width};
  pass.states = Tensor::empty(series, pass.dtype);
  const auto begin_with = [&](const Tensor& all, const Tensor& first) {
    at(all, pass.before(0)).copy_from(first.defined() ? first.detach() : Tensor::zeros(state, all.dtype()));
  };
  begin_with(pass.states, before.hidden);
  if (cell == RecurrentCell::lstm) {
    pass.cells = Tensor::empty(series, wide_of(pass.dtype));
    begin_with(pass.cells, before.cell);
  }
  if (recording) {
    pass.gates = Tensor::empty(input.shape(), pass.dtype);
    if (cell == RecurrentCell::gru)
      pass.candidates = Tensor::empty({pass.length, pass.batch, pass.width}, pass.dtype);
  }
  pass.forward(dense_if_given(input.detach()), bias.defined() ? bias.detach() : Tensor());
  const std::int64_t end = pass.after(pass.length - 1);
  RecurrentResult result{.outputs = pass.states_after(), .last = {.hidden = at(pass.states, end)}};
  if (cell == RecurrentCell::lstm) result.last.cell = at(pass.cells, end);
  if (recording) {
    const autograd::Tensors inputs = {input, weight, bias, before.hidden, before.cell};
    std::vector<bool> wanted;
    for (const Tensor& one : inputs) wanted.push_back(one.defined() && autograd::requires_grad(one));
    autograd::Tensors outputs = {result.outputs, result.last.hidden};
    if (cell == RecurrentCell::lstm) outputs.push_back(result.last.cell);
    autograd::record("recurrent", inputs, outputs,
                     [pass, wanted, weight_dtype = weight.dtype()](const autograd::Tensors& cotangents) {
                       return gradients_of(pass, cotangents, weight_dtype, wanted);
                     });
  }
  return result;
}

}  // namespace attend::op

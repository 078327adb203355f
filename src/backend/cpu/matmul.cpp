#include "backend/matmul.h"

#include <fmt/format.h>
#include <omp.h>

#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/cpu/isa.h"

namespace attend::backend {

namespace {

using Dims = dnnl::memory::dims;

dnnl::cpu_isa onednn_isa(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return dnnl::cpu_isa::sse41;
    case Isa::avx2:
      return dnnl::cpu_isa::avx2;
    case Isa::avx512:
      return dnnl::cpu_isa::avx512_core;
    case Isa::avx512_bf16:
      return dnnl::cpu_isa::avx512_core_bf16;
    case Isa::amx:
      return dnnl::cpu_isa::avx512_core_amx;
  }
  return dnnl::cpu_isa::all;
}

dnnl::engine& engine() {
  static dnnl::engine instance = [] {
    // oneDNN obeys the same choice of instruction set as our own kernels; it must be told before its first
    // primitive.
    dnnl::set_max_cpu_isa(onednn_isa(active_isa()));
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return instance;
}

dnnl::stream& stream() {
  thread_local dnnl::stream instance(engine());
  return instance;
}

dnnl::memory::data_type onednn_dtype(DType dtype) {
  return dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

// One operand as oneDNN sees it: [batch, rows, columns] with strides.
struct Operand {
  DType dtype;
  Dims dims, strides;
  void* data;
};

struct Problem {
  Operand a, b, out;
  float* bias;
  bool accumulate;
};

using Key = std::vector<std::int64_t>;

Key key_of(const Problem& problem) {
  // A primitive is planned for a number of threads, so that number is part of what it is.
  Key key = {omp_in_parallel() != 0 ? 1 : omp_get_max_threads(), problem.bias != nullptr, problem.accumulate};
  for (const Operand* operand : {&problem.a, &problem.b, &problem.out}) {
    key.push_back(static_cast<std::int64_t>(operand->dtype));
    key.insert(key.end(), operand->dims.begin(), operand->dims.end());
    key.insert(key.end(), operand->strides.begin(), operand->strides.end());
  }
  return key;
}

struct Plan {
  dnnl::memory::desc a, b, out, bias, scratchpad;
  dnnl::matmul primitive;
};

std::shared_ptr<const Plan> make_plan(const Problem& problem) {
  const auto describe = [](const Operand& operand) {
    return dnnl::memory::desc(operand.dims, onednn_dtype(operand.dtype), operand.strides);
  };
  auto plan = std::make_shared<Plan>();
  plan->a = describe(problem.a);
  plan->b = describe(problem.b);
  plan->out = describe(problem.out);
  dnnl::primitive_attr attributes;
  // The library's own scratchpad is shared by all who run the primitive: two threads at once get wrong
  // numbers.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (problem.accumulate) {
    dnnl::post_ops operations;
    operations.append_sum(1.0F);
    attributes.set_post_ops(operations);
  }
  Dims bias_dims(problem.out.dims.size(), 1), bias_strides(problem.out.dims.size(), problem.out.dims.back());
  bias_dims.back() = problem.out.dims.back();
  bias_strides.back() = 1;
  if (problem.bias != nullptr)
    plan->bias = dnnl::memory::desc(bias_dims, dnnl::memory::data_type::f32, bias_strides);
  const dnnl::matmul::desc operation = problem.bias != nullptr
                                           ? dnnl::matmul::desc(plan->a, plan->b, plan->bias, plan->out)
                                           : dnnl::matmul::desc(plan->a, plan->b, plan->out);
  const dnnl::matmul::primitive_desc description(operation, attributes, engine());
  plan->scratchpad = description.scratchpad_desc();
  plan->primitive = dnnl::matmul(description);
  return plan;
}

std::shared_ptr<const Plan> plan_for(const Problem& problem) {
  static std::mutex mutex;
  static std::map<Key, std::shared_ptr<const Plan>> plans;
  // Decoding asks for a new length with every token; a full cache is dropped and built again.
  constexpr std::size_t kMaxPlans = 4096;
  const Key key = key_of(problem);
  const std::lock_guard lock(mutex);
  auto& plan = plans[key];
  if (plan == nullptr) {
    if (plans.size() > kMaxPlans) plans.clear();
    auto made = make_plan(problem);
    plans[key] = made;
    return made;
  }
  return plan;
}

void* scratchpad(std::size_t bytes) {
  thread_local std::shared_ptr<Storage> memory;
  if (memory == nullptr || memory->bytes() < bytes) memory = Storage::allocate(bytes);
  return memory->data();
}

void run(const Problem& problem) {
  const auto plan = plan_for(problem);
  std::unordered_map<int, dnnl::memory> arguments = {{DNNL_ARG_SRC, {plan->a, engine(), problem.a.data}},
                                                     {DNNL_ARG_WEIGHTS, {plan->b, engine(), problem.b.data}},
                                                     {DNNL_ARG_DST, {plan->out, engine(), problem.out.data}}};
  if (problem.bias != nullptr)
    arguments.emplace(DNNL_ARG_BIAS, dnnl::memory(plan->bias, engine(), problem.bias));
  if (const std::size_t bytes = plan->scratchpad.get_size(); bytes != 0)
    arguments.emplace(DNNL_ARG_SCRATCHPAD, dnnl::memory(plan->scratchpad, engine(), scratchpad(bytes)));
  plan->primitive.execute(stream(), arguments);
  stream().wait();
}

// True when oneDNN can read the last two axes as they lie: one of them dense, the other one not overlapping.
bool is_readable(const Tensor& tensor) {
  const int r = tensor.rank();
  const std::int64_t rows = tensor.dim(-2), columns = tensor.dim(-1);
  const std::int64_t row_stride = tensor.strides()[r - 2], column_stride = tensor.strides()[r - 1];
  return (column_stride == 1 && row_stride >= columns) || (row_stride == 1 && column_stride >= rows);
}

Operand operand_of(const Tensor& tensor) {
  return {tensor.dtype(), Dims(tensor.shape().begin(), tensor.shape().end()),
          Dims(tensor.strides().begin(), tensor.strides().end()), tensor.raw()};
}

// Many rows against one matrix: one large product instead of a batch of small ones.
bool fold_rows(Tensor& a, Tensor& b, Tensor& out) {
  if (a.rank() < 3 || !a.is_contiguous() || b.elements() != b.dim(-1) * b.dim(-2)) return false;
  const std::int64_t rows = a.elements() / std::max<std::int64_t>(a.dim(-1), 1);
  b = b.view_as({b.dim(-2), b.dim(-1)}, {b.strides()[b.rank() - 2], b.strides()[b.rank() - 1]});
  a = a.view_as({rows, a.dim(-1)}, {a.dim(-1), 1});
  out = out.view_as({rows, out.dim(-1)}, {out.dim(-1), 1});
  return true;
}

Tensor with_leading_axes(const Tensor& tensor, int rank) {
  Shape shape = tensor.shape(), strides = tensor.strides();
  while (shape.rank() < rank) {
    strides = strides.inserted(0, shape.elements());
    shape = shape.inserted(0, 1);
  }
  return tensor.view_as(shape, strides);
}

// The definition in f64, for gradient checks: plain loops in a fixed order.
void matmul_f64(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options) {
  const int r = out.rank();
  const std::int64_t m = out.dim(-2), n = out.dim(-1), k = a.dim(-1);
  const std::int64_t batches = m * n == 0 ? 0 : out.elements() / (m * n);
  const double* bias = options.bias.defined() ? options.bias.data<double>() : nullptr;
  parallel_for(batches * m, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      std::int64_t rest = row / m;
      const double* pa = a.data<double>() + row % m * a.strides()[r - 2];
      const double* pb = b.data<double>();
      for (int axis = r - 3; axis >= 0; --axis) {
        const std::int64_t index = rest % out.shape()[axis];
        rest /= out.shape()[axis];
        if (a.shape()[axis] != 1) pa += index * a.strides()[axis];
        if (b.shape()[axis] != 1) pb += index * b.strides()[axis];
      }
      double* po = out.data<double>() + row * n;
      for (std::int64_t j = 0; j < n; ++j)
        po[j] = (options.accumulate ? po[j] : 0) + (bias != nullptr ? bias[j] : 0);
      for (std::int64_t i = 0; i < k; ++i) {
        const double value = pa[i * a.strides()[r - 1]];
        const double* line = pb + i * b.strides()[r - 2];
        for (std::int64_t j = 0; j < n; ++j) po[j] += value * line[j * b.strides()[r - 1]];
      }
    }
  });
}

void check(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options) {
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("matmul of {} and {} into {}: {}", a.text(), b.text(), out.text(), why));
  };
  if (a.rank() < 2 || b.rank() < 2 || out.rank() < 2) fail("each needs at least two axes");
  if (a.dim(-1) != b.dim(-2)) fail("the columns of the first must equal the rows of the second");
  if (out.dim(-2) != a.dim(-2) || out.dim(-1) != b.dim(-1)) fail("the output has another shape");
  if (!out.is_contiguous()) fail("the output must be dense");
  const bool known = a.dtype() == b.dtype() &&
                     (a.dtype() == DType::bf16 ? out.dtype() != DType::f64 && is_floating(out.dtype())
                                               : a.dtype() == out.dtype());
  if (!known || !is_floating(a.dtype())) fail("supported are f32, f64, and bf16 into bf16 or f32");
  const DType bias_dtype = a.dtype() == DType::f64 ? DType::f64 : DType::f32;
  if (options.bias.defined() &&
      (options.bias.dtype() != bias_dtype || !(options.bias.shape() == Shape{out.dim(-1)}) ||
       !options.bias.is_contiguous()))
    fail(fmt::format("the bias is {}", options.bias.text()));
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options) {
  check(a, b, out, options);
  if (out.elements() == 0) return;
  if (a.dim(-1) == 0) {
    if (!options.accumulate)
      std::memset(out.raw(), 0, static_cast<std::size_t>(out.elements()) * size_of(out.dtype()));
    if (options.bias.defined()) throw Error("matmul over an axis of size 0 with a bias is not supported");
    return;
  }
  if (a.dtype() == DType::bf16 && active_isa() < Isa::avx512_bf16) {
    // Without bf16 dot products oneDNN would emulate them, several times slower than a product in f32.
    const Tensor wide = out.dtype() == DType::f32 ? out : cast(out, DType::f32);
    matmul(cast(a, DType::f32), cast(b, DType::f32), wide, options);
    if (out.dtype() != DType::f32) out.copy_from(cast(wide, DType::bf16));
    return;
  }
  const int rank = std::max({a.rank(), b.rank(), out.rank()});
  Tensor left = with_leading_axes(a, rank), right = with_leading_axes(b, rank),
         result = with_leading_axes(out, rank);
  for (int axis = 0; axis < rank - 2; ++axis)
    for (const Tensor* operand : {&left, &right})
      if (operand->shape()[axis] != result.shape()[axis] && operand->shape()[axis] != 1)
        throw Error(fmt::format("matmul of {} and {} into {}: the batch axes differ", a.text(), b.text(),
                                out.text()));
  if (out.dtype() == DType::f64) return matmul_f64(left, right, result, options);
  if (!is_readable(left)) left = left.clone();
  if (!is_readable(right)) right = right.clone();
  fold_rows(left, right, result);
  try {
    run({operand_of(left), operand_of(right), operand_of(result),
         options.bias.defined() ? options.bias.data<float>() : nullptr, options.accumulate});
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("matmul of {} and {} into {}: oneDNN says {}", a.text(), b.text(), out.text(),
                            error.what()));
  }
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace attend::backend

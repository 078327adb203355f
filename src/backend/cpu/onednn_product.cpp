#include "backend/cpu/onednn_product.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cpu/onednn.h"

namespace attend::backend {

namespace {

using onednn::engine;
using onednn::PlannedThreads;

using Key = std::vector<std::int64_t>;

// The stride of an axis of length 1 says nothing, but oneDNN chooses its kernel by it, and its cache then
// hands that kernel to products with other such strides; so all have the same.
dnnl::memory::dims strides_of(const ProductOperand& operand) {
  const dnnl::memory::dims& dims = operand.dims;
  dnnl::memory::dims strides = operand.strides;
  const std::size_t rank = dims.size(), row = rank - 2, column = rank - 1;
  for (std::size_t axis = 0; axis < row; ++axis)
    if (dims[axis] == 1) strides[axis] = dims[row] * dims[column];
  if (dims[column] == 1) strides[column] = dims[row] == 1 || strides[row] != 1 ? 1 : dims[row];
  if (dims[row] == 1) strides[row] = strides[column] == 1 ? dims[column] : 1;
  return strides;
}

Key key_of(const Product& product, int threads) {
  Key key = {threads, product.bias != nullptr ? 1 : 0, product.accumulate ? 1 : 0};
  for (const ProductOperand* operand : {&product.a, &product.b, &product.out}) {
    key.push_back(static_cast<std::int64_t>(operand->dtype));
    key.insert(key.end(), operand->dims.begin(), operand->dims.end());
    const dnnl::memory::dims strides = strides_of(*operand);
    key.insert(key.end(), strides.begin(), strides.end());
  }
  return key;
}

struct Plan {
  dnnl::memory::desc a, b, out, bias, scratchpad;
  dnnl::matmul primitive;
  // oneDNN's older matrix product, for layouts and instruction sets that its newer one does not take.
  bool is_gemm = false;
};

std::shared_ptr<const Plan> make_plan(const Product& product, int threads) {
  const PlannedThreads planned(threads);
  const auto describe = [](const ProductOperand& operand) {
    return dnnl::memory::desc(operand.dims, onednn::data_type(operand.dtype), strides_of(operand));
  };
  auto plan = std::make_shared<Plan>();
  plan->a = describe(product.a);
  plan->b = describe(product.b);
  plan->out = describe(product.out);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (product.accumulate) {
    dnnl::post_ops operations;
    operations.append_sum(1.0F);
    attributes.set_post_ops(operations);
  }
  const std::size_t rank = product.out.dims.size();
  dnnl::memory::dims bias_dims(rank, 1), bias_strides(rank, product.out.dims.back());
  bias_dims.back() = product.out.dims.back();
  bias_strides.back() = 1;
  if (product.bias != nullptr)
    plan->bias = dnnl::memory::desc(bias_dims, dnnl::memory::data_type::f32, bias_strides);
  const dnnl::matmul::desc operation = product.bias != nullptr
                                           ? dnnl::matmul::desc(plan->a, plan->b, plan->bias, plan->out)
                                           : dnnl::matmul::desc(plan->a, plan->b, plan->out);
  const dnnl::matmul::primitive_desc description(operation, attributes, engine());
  plan->is_gemm = std::string_view(description.impl_info_str()).substr(0, 4) == "gemm";
  plan->scratchpad = description.scratchpad_desc();
  plan->primitive = dnnl::matmul(description);
  return plan;
}

std::shared_ptr<const Plan> plan_for(const Product& product, int threads) {
  static std::mutex mutex;
  static std::map<Key, std::shared_ptr<const Plan>> plans;
  // Decoding asks for a new length with every token; a full cache is dropped and built again.
  constexpr std::size_t kMaxPlans = 4096;
  const Key key = key_of(product, threads);
  const std::lock_guard lock(mutex);
  auto& plan = plans[key];
  if (plan == nullptr) {
    if (plans.size() > kMaxPlans) plans.clear();
    auto made = make_plan(product, threads);
    plans[key] = made;
    return made;
  }
  return plan;
}

void execute(const Plan& plan, const Product& product) {
  std::unordered_map<int, dnnl::memory> arguments = {{DNNL_ARG_SRC, {plan.a, engine(), product.a.data}},
                                                     {DNNL_ARG_WEIGHTS, {plan.b, engine(), product.b.data}},
                                                     {DNNL_ARG_DST, {plan.out, engine(), product.out.data}}};
  if (product.bias != nullptr)
    arguments.emplace(DNNL_ARG_BIAS, dnnl::memory(plan.bias, engine(), const_cast<float*>(product.bias)));
  if (const std::size_t bytes = plan.scratchpad.get_size(); bytes != 0)
    arguments.emplace(DNNL_ARG_SCRATCHPAD,
                      dnnl::memory(plan.scratchpad, engine(), onednn::scratchpad(bytes)));
  plan.primitive.execute(onednn::stream(), arguments);
  onednn::stream().wait();
}

std::int64_t rows_of(const ProductOperand& operand) {
  return operand.dims[operand.dims.size() - 2];
}

std::int64_t columns_of(const ProductOperand& operand) {
  return operand.dims.back();
}

// Rows [row, row + rows) and columns [column, column + columns) of one matrix of the batch.
ProductOperand part_of(const ProductOperand& operand, const ProductOperand& out, std::int64_t matrix,
                       std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns) {
  const std::size_t rank = operand.dims.size();
  const std::int64_t row_stride = operand.strides[rank - 2], column_stride = operand.strides[rank - 1];
  std::int64_t offset = row * row_stride + column * column_stride;
  for (std::size_t axis = rank - 2; axis-- > 0; matrix /= out.dims[axis])
    if (operand.dims[axis] != 1) offset += matrix % out.dims[axis] * operand.strides[axis];
  return {.dtype = operand.dtype,
          .dims = {rows, columns},
          .strides = {row_stride, column_stride},
          .data = operand.data + offset * static_cast<std::int64_t>(size_of(operand.dtype))};
}

struct Tile {
  std::int64_t rows, columns;
};

// Large tiles copy less of a and b; small outputs need many for all threads to have one.
Tile tile_of(std::int64_t elements) {
  if (elements >= std::int64_t{1} << 21) return {1024, 256};
  if (elements >= std::int64_t{1} << 18) return {384, 192};
  return {128, 64};
}

// The older product of oneDNN divides its sums by the number of threads. Here each thread computes whole
// tiles alone, and the tiles depend on the shape alone.
void multiply_tiles(const Product& product) {
  const std::int64_t m = rows_of(product.out), n = columns_of(product.out), k = columns_of(product.a);
  std::int64_t matrices = 1;
  for (std::size_t axis = 0; axis + 2 < product.out.dims.size(); ++axis) matrices *= product.out.dims[axis];
  const Tile tile = tile_of(matrices * m * n);
  const std::int64_t across = (n + tile.columns - 1) / tile.columns, down = (m + tile.rows - 1) / tile.rows;
  parallel_for(matrices * down * across, 1, [&](std::int64_t begin, std::int64_t end) {
    const PlannedThreads alone(1);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t matrix = i / (down * across), row = i / across % down * tile.rows,
                         column = i % across * tile.columns;
      const std::int64_t rows = std::min(tile.rows, m - row), columns = std::min(tile.columns, n - column);
      const Product part = {.a = part_of(product.a, product.out, matrix, row, rows, 0, k),
                            .b = part_of(product.b, product.out, matrix, 0, k, column, columns),
                            .out = part_of(product.out, product.out, matrix, row, rows, column, columns),
                            .bias = product.bias == nullptr ? nullptr : product.bias + column,
                            .accumulate = product.accumulate};
      execute(*plan_for(part, 1), part);
    }
  });
}

// One stretch of k.
void multiply_stretch(const Product& product) {
  const auto plan = plan_for(product, onednn::usable_threads());
  if (plan->is_gemm)
    multiply_tiles(product);
  else
    execute(*plan, product);
}

}  // namespace

void multiply(const Product& product) {
  // For a long sum over k in f32 and a small output, oneDNN lets two threads share the sum where one would
  // not be cut. Large outputs it cuts only for more threads; to cut those here would cost a fifth of the
  // product.
  constexpr std::int64_t kLongest = 1024, kSmallOutput = 1 << 17;
  const std::size_t rank = product.a.dims.size();
  const std::int64_t k = columns_of(product.a);
  const bool is_cut = product.a.dtype == DType::f32 && k > kLongest &&
                      rows_of(product.out) * columns_of(product.out) <= kSmallOutput;
  try {
    if (!is_cut) return multiply_stretch(product);
    Product stretch = product;
    for (std::int64_t begin = 0; begin < k; begin += kLongest) {
      const std::int64_t length = std::min(kLongest, k - begin);
      stretch.a.dims[rank - 1] = stretch.b.dims[rank - 2] = length;
      stretch.a.data = product.a.data + begin * product.a.strides[rank - 1] * std::int64_t{sizeof(float)};
      stretch.b.data = product.b.data + begin * product.b.strides[rank - 2] * std::int64_t{sizeof(float)};
      multiply_stretch(stretch);
      stretch.bias = nullptr;
      stretch.accumulate = true;
    }
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("oneDNN says {}", error.what()));
  }
}

}  // namespace attend::backend

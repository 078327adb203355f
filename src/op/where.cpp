#include "attend/op/where.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "op/sum_to_shape.h"
#include "op/view.h"
#include "tensor/strided_loop.h"
#include "tensor/visit.h"

namespace attend::op {

namespace {

template <class Word>
void select_block(const std::uint8_t* mask, const Word* a, const Word* b, Word* out,
                  const StridedBlock<4>& block) {
  const auto [mask_step, a_step, b_step, out_step] = block.column_stride;
  for (std::int64_t r = 0; r < block.rows; ++r) {
    const std::uint8_t* m = mask + block.offset[0] + r * block.row_stride[0];
    const Word* pa = a + block.offset[1] + r * block.row_stride[1];
    const Word* pb = b + block.offset[2] + r * block.row_stride[2];
    Word* po = out + block.offset[3] + r * block.row_stride[3];
    // With the strides known the compiler makes vectors of it.
    if (mask_step == 1 && a_step == 1 && b_step == 1 && out_step == 1)
      for (std::int64_t c = 0; c < block.columns; ++c) po[c] = m[c] != 0 ? pa[c] : pb[c];
    else if (mask_step == 1 && a_step == 1 && b_step == 0 && out_step == 1)
      for (std::int64_t c = 0; c < block.columns; ++c) po[c] = m[c] != 0 ? pa[c] : *pb;
    else if (mask_step == 1 && a_step == 0 && b_step == 1 && out_step == 1)
      for (std::int64_t c = 0; c < block.columns; ++c) po[c] = m[c] != 0 ? *pa : pb[c];
    else
      for (std::int64_t c = 0; c < block.columns; ++c)
        po[c * out_step] = m[c * mask_step] != 0 ? pa[c * a_step] : pb[c * b_step];
  }
}

Tensor selected(const Tensor& mask, const Tensor& a, const Tensor& b, const Shape& shape) {
  constexpr std::int64_t kGrain = 1 << 15;
  const Tensor out = Tensor::empty(shape, a.dtype());
  const StridedLoop<4> loop =
      merge_axes<4>(shape, {expanded(mask, shape).strides(), expanded(a, shape).strides(),
                            expanded(b, shape).strides(), out.strides()});
  visit_word(a.dtype(), [&]<class Word>() {
    parallel_for_blocks(loop, kGrain, [&](const StridedBlock<4>& block) {
      select_block(static_cast<const std::uint8_t*>(mask.raw()), static_cast<const Word*>(a.raw()),
                   static_cast<const Word*>(b.raw()), static_cast<Word*>(out.raw()), block);
    });
  });
  return out;
}

}  // namespace

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("where of mask {}, {} and {}: {}", mask.text(), a.text(), b.text(), why));
  };
  if (mask.dtype() != DType::boolean) fail("a bool mask needed");
  if (a.dtype() != b.dtype()) fail("two values of one dtype needed");
  Shape shape;
  try {
    shape = broadcast(mask.shape(), broadcast(a.shape(), b.shape()));
  } catch (const Error&) {
    fail("the shapes do not broadcast");
  }
  const Tensor y = selected(mask, a, b, shape);
  if (autograd::is_recording({a, b})) {
    const bool for_a = autograd::requires_grad(a), for_b = autograd::requires_grad(b);
    autograd::record("where", {a, b}, {y},
                     [mask = mask.detach(), for_a, for_b, a_shape = a.shape(),
                      b_shape = b.shape()](const autograd::Tensors& gradients) {
                       const Tensor& dy = gradients[0];
                       const Tensor zero = Tensor::zeros({}, dy.dtype());
                       autograd::Tensors result(2);
                       if (for_a) result[0] = sum_to_shape(selected(mask, dy, zero, dy.shape()), a_shape);
                       if (for_b) result[1] = sum_to_shape(selected(mask, zero, dy, dy.shape()), b_shape);
                       return result;
                     });
  }
  return y;
}

}  // namespace attend::op

#pragma once

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>

#include "attend/tensor/dtype.h"

/// What the parts that call oneDNN share.
namespace attend::backend::onednn {

/// The one engine. It obeys the same choice of instruction set as our own kernels.
dnnl::engine& engine();
/// This thread's stream.
dnnl::stream& stream();
/// Of f32 and bf16.
dnnl::memory::data_type data_type(DType dtype);

/// Memory of this thread for one execution; the next call may overwrite it. The library's own scratch memory
/// is shared by all who run a primitive: two threads at once get wrong numbers.
void* scratchpad(std::size_t bytes);

/// Primitives are planned for the number of threads that OpenMP has at that moment: this one, until the end
/// of the scope.
class PlannedThreads {
 public:
  explicit PlannedThreads(int threads);
  PlannedThreads(const PlannedThreads&) = delete;
  PlannedThreads& operator=(const PlannedThreads&) = delete;
  ~PlannedThreads();

 private:
  int before_;
};

/// The threads that a primitive may use here: one inside a parallel loop.
int usable_threads();

}  // namespace attend::backend::onednn

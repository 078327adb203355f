#include "backend/cpu/onednn.h"

#include <fmt/format.h>
#include <omp.h>

#include <memory>

#include "attend/base/parallel.h"
#include "attend/tensor/storage.h"
#include "backend/cpu/isa.h"
#include "backend/matmul.h"

namespace attend::backend {

namespace onednn {

namespace {

dnnl::cpu_isa isa_of(Isa isa) {
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

}  // namespace

dnnl::engine& engine() {
  static dnnl::engine instance = [] {
    // oneDNN must be told before its first primitive.
    dnnl::set_max_cpu_isa(isa_of(active_isa()));
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return instance;
}

dnnl::stream& stream() {
  thread_local dnnl::stream instance(engine());
  return instance;
}

dnnl::memory::data_type data_type(DType dtype) {
  return dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

void* scratchpad(std::size_t bytes) {
  thread_local std::shared_ptr<Storage> memory;
  if (memory == nullptr || memory->bytes() < bytes) memory = Storage::allocate(bytes);
  return memory->data();
}

PlannedThreads::PlannedThreads(int threads) : before_(omp_get_max_threads()) {
  omp_set_num_threads(threads);
}

PlannedThreads::~PlannedThreads() {
  omp_set_num_threads(before_);
}

int usable_threads() {
  return omp_in_parallel() != 0 ? 1 : threads();
}

}  // namespace onednn

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace attend::backend

#include "backend/kernels.h"

#include <cpuid.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "attend/backend/processor.h"
#include "attend/base/parallel.h"
#include "backend/accumulate.h"
#include "backend/cpu/compiled_isas.h"
#include "backend/cpu/isa.h"
#include "backend/matmul.h"

namespace attend {

// One table for each instruction set, filled by the same source (kernels/table.cpp) compiled for it.
#define ATTEND_DECLARE(isa)             \
  namespace isa {                       \
  void fill(backend::Kernels& kernels); \
  }
ATTEND_FOR_EACH_COMPILED_ISA(ATTEND_DECLARE)
#undef ATTEND_DECLARE

namespace backend {

namespace {

Kernels choose() {
  Kernels kernels;
  const Isa active = active_isa();
#define ATTEND_FILL(isa) \
  if (active == Isa::isa) isa::fill(kernels);
  ATTEND_FOR_EACH_COMPILED_ISA(ATTEND_FILL)
#undef ATTEND_FILL
  return kernels;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels chosen = choose();
  return chosen;
}

void add(const Tensor& a, const Tensor& b, const Tensor& sum) {
  const auto width = static_cast<std::int64_t>(size_of(sum.dtype()));
  const auto* pa = static_cast<const std::byte*>(a.raw());
  const auto* pb = static_cast<const std::byte*>(b.raw());
  auto* out = static_cast<std::byte*>(sum.raw());
  parallel_for(sum.elements(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    kernels().elementwise.add(sum.dtype(), pa + begin * width, pb + begin * width, out + begin * width,
                              end - begin);
  });
}

}  // namespace backend

namespace {

std::string processor_name() {
  std::array<unsigned, 12> words{};
  for (unsigned i = 0; i < 3; ++i)
    if (__get_cpuid(0x80000002u + i, &words[i * 4], &words[i * 4 + 1], &words[i * 4 + 2],
                    &words[i * 4 + 3]) == 0)
      return "unknown";
  std::array<char, 49> text{};
  std::memcpy(text.data(), words.data(), sizeof words);
  std::string name = text.data();
  name.erase(0, name.find_first_not_of(' '));
  return name;
}

}  // namespace

Processor processor() {
  Processor result;
  const backend::Isa active = backend::active_isa();
  result.name = processor_name();
  result.kernels = backend::name_of(active);
  result.kernels_compiled_for = backend::kernels().compiled_for;
  for (backend::Isa isa : backend::available_isas()) result.available.emplace_back(backend::name_of(isa));
  result.forced = backend::isa_is_forced();
  result.fast_bf16 = active >= backend::Isa::avx512_bf16;
  result.onednn = backend::onednn_version();
  result.threads = threads();
  return result;
}

}  // namespace attend

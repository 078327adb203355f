#include "backend/kernels/dropout.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/random_half_words.h"

namespace attend::ATTEND_ISA {

namespace {

constexpr std::int64_t kBlock = kRandomHalfWords;
static_assert(backend::DropoutKernels::kAlignment % kBlock == 0);

template <class S>
[[gnu::flatten]] void apply_to(const backend::DropoutKernels::Work& work) {
  using C = Compute<S>;
  using Integer = typename VectorOf<C>::scalar_integer;
  const S* in = static_cast<const S*>(work.in);
  S* out = static_cast<S*>(work.out);
  const Integer threshold = static_cast<Integer>(work.probability * 65536 + 0.5);
  const C scale = static_cast<C>(1 / (1 - work.probability));
  std::uint16_t numbers[kBlock];
  for (std::int64_t i = 0; i < work.count; i += kBlock) {
    random_half_words(work.seed, work.stream, static_cast<std::uint64_t>(work.first + i) / 8, numbers);
    const std::int64_t left = work.count - i < kBlock ? work.count - i : kBlock;
    for_each_vector<C>(left, [&](std::int64_t j, std::int64_t n) {
      const Vector<C> v = load_some(in + i + j, n) * scale;
      store_some(out + i + j, load_half_words<C>(numbers + j) >= threshold ? v : Vector<C>{}, n);
    });
  }
}

void apply(const backend::DropoutKernels::Work& work) {
  visit_floating(work.dtype, [&]<class S>() { apply_to<S>(work); });
}

void random_numbers(std::uint64_t seed, std::uint64_t stream, std::int64_t first, std::int64_t count,
                    std::uint16_t* out) {
  for (std::int64_t i = 0; i < count; i += kBlock)
    random_half_words(seed, stream, static_cast<std::uint64_t>(first + i) / 8, out + i);
}

}  // namespace

void fill(backend::DropoutKernels& kernels) {
  kernels.apply = apply;
  kernels.random_numbers = random_numbers;
}

}  // namespace attend::ATTEND_ISA

#include "backend/cpu/isa.h"

#include <cpuid.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "attend/base/error.h"
#include "backend/cpu/compiled_isas.h"

namespace attend::backend {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"baseline", "avx2", "avx512", "avx512_bf16", "amx"};

bool has_avx512_bf16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 5)) != 0;
}

// Linux hands out the AMX tile state only to a process that asks for it.
bool has_amx_bf16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & (1u << 22)) == 0 || (d & (1u << 24)) == 0) return false;
  constexpr long kRequestPermission = 0x1023;
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Isa widest() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::baseline;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return Isa::avx2;
  if (!has_avx512_bf16()) return Isa::avx512;
  return has_amx_bf16() ? Isa::amx : Isa::avx512_bf16;
}

std::vector<Isa> detect() {
  std::vector<Isa> isas;
#define ATTEND_ADD(isa) isas.push_back(Isa::isa);
  ATTEND_FOR_EACH_COMPILED_ISA(ATTEND_ADD)
#undef ATTEND_ADD
  std::erase_if(isas, [limit = widest()](Isa isa) { return isa > limit; });
  if (isas.empty())
    throw Error(
        "this build has kernels for instructions that this processor lacks: build with -DATTEND_ISAS=native");
  return isas;
}

Isa choose() {
  const char* wanted = std::getenv("ATTEND_ISA");
  const std::vector<Isa> isas = available_isas();
  if (wanted == nullptr || *wanted == 0) return isas.back();
  std::vector<std::string_view> names;
  for (Isa isa : isas) {
    if (name_of(isa) == wanted) return isa;
    names.push_back(name_of(isa));
  }
  const bool known = std::ranges::find(kNames, wanted) != kNames.end();
  throw Error(fmt::format("ATTEND_ISA={}: {}; there are {}", wanted,
                          known ? "this processor or this build lacks it" : "no such instruction set",
                          fmt::join(names, ", ")));
}

}  // namespace

std::string_view name_of(Isa isa) {
  return kNames[static_cast<std::size_t>(isa)];
}

std::vector<Isa> available_isas() {
  static const std::vector<Isa> isas = detect();
  return isas;
}

Isa active_isa() {
  static const Isa isa = choose();
  return isa;
}

bool isa_is_forced() {
  const char* wanted = std::getenv("ATTEND_ISA");
  return wanted != nullptr && *wanted != 0;
}

}  // namespace attend::backend

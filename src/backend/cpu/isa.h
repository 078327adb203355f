#pragma once

#include <string_view>
#include <vector>

namespace attend::backend {

/// Instruction sets that kernels are compiled for, each a superset of the one before.
enum class Isa { baseline, avx2, avx512, avx512_bf16, amx };

std::string_view name_of(Isa isa);
/// Those that this build has kernels for and that this processor and its operating system can run, in order.
/// Throws Error when there is none.
std::vector<Isa> available_isas();
/// The best available one, or the one that the environment variable ATTEND_ISA names. Decided once. Throws
/// Error when that one is unknown or not available.
Isa active_isa();
bool isa_is_forced();

}  // namespace attend::backend

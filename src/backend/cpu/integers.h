#pragma once

// The smaller and the larger of two integers. std::min is one symbol for the whole program: the linker could
// take its copy from the object of an instruction set that the processor lacks.

#include <cstdint>

namespace attend::ATTEND_ISA {

inline std::int64_t min_integer(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}
inline std::int64_t max_integer(std::int64_t a, std::int64_t b) {
  return a > b ? a : b;
}

}  // namespace attend::ATTEND_ISA

#pragma once

#include <string>
#include <vector>

namespace attend {

/// What the library runs on, and which of its kernels it has chosen.
struct Processor {
  std::string name;                    ///< the processor's own name
  std::string kernels;                 ///< instruction set of the kernels in use: "baseline", "avx2", ...
  std::string kernels_compiled_for;    ///< what the compiler was told when it built those kernels
  std::vector<std::string> available;  ///< instruction sets that this processor could run, slowest first
  bool forced = false;                 ///< true when the environment variable ATTEND_ISA chose
  bool fast_bf16 = false;              ///< true when the kernels in use have bf16 dot products
  std::string onednn;                  ///< version of oneDNN
  int threads = 1;
};

/// Throws Error when ATTEND_ISA names an unknown instruction set or one that this processor lacks.
Processor processor();

}  // namespace attend

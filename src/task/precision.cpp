#include "task/precision.h"

#include <fmt/format.h>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "io/printable.h"

namespace attend::task {

DType dtype_of_precision(std::string_view precision) {
  if (precision == "f32") return DType::f32;
  if (precision == "bf16") return DType::bf16;
  if (precision == "auto") return processor().fast_bf16 ? DType::bf16 : DType::f32;
  throw Error(fmt::format("precision {}: f32, bf16 and auto are accepted", io::printable(precision)));
}

}  // namespace attend::task

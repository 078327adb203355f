#include "attend/nn/run.h"

#include "attend/base/error.h"

namespace attend::nn {

RandomStream dropout_stream(const Run& run, double probability) {
  if (!run.training || probability == 0) return {};
  if (run.random == nullptr) throw Error("training with dropout needs a random generator (Run::random)");
  return run.random->next();
}

}  // namespace attend::nn

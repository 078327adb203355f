#pragma once

#include <cstdint>

#include "attend/attention/observe.h"
#include "attend/attention/spec.h"
#include "attend/data/synthetic.h"

namespace attend::task {

struct ComparisonOptions {
  std::int64_t steps = 400;      ///< updates of the parameters
  std::int64_t batch = 32;       ///< rows of each
  std::int64_t test_rows = 512;  ///< of which accuracy is measured; none of them was trained on
  std::int64_t layers = 2, heads = 4, dim = 64;
  double learning_rate = 3e-3;  ///< after a tenth of the steps; falls to 0 as a cosine
  std::uint64_t seed = 1;       ///< of parameters and rows: the same rows for every mechanism
  /// Is told, after training, what each layer looks at in the first of the test rows. May be empty.
  attention::Observer* observer = nullptr;
};

struct ComparisonResult {
  double accuracy = 0;           ///< share of the asked places whose likeliest class is the target
  double loss = 0;               ///< mean cross entropy there, in nats
  double tokens_per_second = 0;  ///< of training, forward, backward and update
  std::int64_t peak_bytes = 0;   ///< most memory in tensors during training, parameters included
};

/// Trains a small model with one mechanism of attention on one problem, in f32: token and learned position
/// embeddings, pre-norm transformer blocks, a norm, and a linear layer to the classes at each place. Same
/// options, same accuracy and loss, bit for bit. Throws Error for sizes below 1 or a learning rate that is
/// not above 0, and what the mechanism throws when a layer cannot be made with it.
ComparisonResult train_with(const AttentionSpec& mechanism, const data::SyntheticTask& task,
                            const ComparisonOptions& options = {});

}  // namespace attend::task

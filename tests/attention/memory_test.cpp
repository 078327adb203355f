// A long sequence: no tensor of queries times keys is in memory at any time.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "attend/attention/attend.h"
#include "attend/autograd/tape.h"
#include "support/random_tensor.h"
#include "support/sanitized.h"

namespace attend {
namespace {

// The sanitizers are slow, and shadow memory is not ours.
constexpr std::int64_t kTokens = test::kSanitized ? 2048 : 16384;

/// Bytes of this process in memory: the most since the last reset, or 0 where the system does not say.
std::int64_t resident_peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) {
      std::istringstream words(line.substr(6));
      std::int64_t kib = 0;
      words >> kib;
      return kib * 1024;
    }
  return 0;
}
void reset_resident_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

TEST(Attend, LongSequencesNeedLessThanAGigabyte) {
  constexpr std::int64_t kHeads = 8, kDim = 16;
  constexpr double kGigabyte = 1e9;
  release_cached_memory();
  const std::int64_t before = memory_use().current;
  reset_peak_memory();
  reset_resident_peak();
  const Tensor qkv = test::random_tensor({1, kTokens, 3, kHeads, kDim}, DType::f32, 1);
  autograd::set_requires_grad(qkv);
  AttentionSpec spec;
  spec.place.mask = attention::Place::Mask::causal;
  const Tensor y = attention::attend_packed(qkv, spec);
  autograd::backward(y, test::random_tensor({1, kTokens, kHeads, kDim}, DType::f32, 2));
  const auto peak = static_cast<double>(memory_use().peak - before);
  RecordProperty("peak_bytes", std::to_string(memory_use().peak - before));
  RecordProperty("resident_bytes", std::to_string(resident_peak()));
  const double matrix = 4.0 * kHeads * kTokens * kTokens;  // 8.6 GB for 16,384 tokens
  EXPECT_LT(peak, matrix / 5);
  EXPECT_LT(peak, kGigabyte);
  if (!test::kSanitized) {
    EXPECT_LT(static_cast<double>(resident_peak()), kGigabyte);
  }
  EXPECT_GT(resident_peak(), 0);
  for (const double g : autograd::grad(qkv).to_vector<double>()) ASSERT_TRUE(std::isfinite(g));
}

}  // namespace
}  // namespace attend

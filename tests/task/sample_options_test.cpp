#include <gtest/gtest.h>

#include "attend/task/language_model.h"
#include "support/expect_error.h"

namespace attend::task {
namespace {

TEST(SampleOptionsTest, EveryValueOutOfRangeIsNamed) {
  EXPECT_NO_THROW(validate(SampleOptions{}));
  EXPECT_NO_THROW(validate(SampleOptions{.tokens = 0, .temperature = 0, .top_k = 1, .top_p = 1e-9}));
  EXPECT_ERROR(validate(SampleOptions{.tokens = -1}), "tokens -1");
  EXPECT_ERROR(validate(SampleOptions{.temperature = -0.1}), "temperature");
  EXPECT_ERROR(validate(SampleOptions{.top_k = -1}), "top-k -1");
  EXPECT_ERROR(validate(SampleOptions{.top_p = 0}), "top-p");
  EXPECT_ERROR(validate(SampleOptions{.stop = {"a", ""}}), "stop");
}

}  // namespace
}  // namespace attend::task

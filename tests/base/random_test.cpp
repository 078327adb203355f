#include "attend/base/random.h"

#include <gtest/gtest.h>

#include <array>

namespace attend {
namespace {

// Known-answer vectors of the paper's reference implementation (Random123, kat_vectors, philox4x32-10 and
// philox4x32-7).
TEST(Philox, MatchesTheReferenceVectors) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffffull),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822ull),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
  EXPECT_EQ(philox<7>({0, 0, 0, 0}, 0), (Words{0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48}));
  EXPECT_EQ(philox<7>({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822ull),
            (Words{0x4dfccaba, 0x190a87f0, 0xc47362ba, 0xb6b5242a}));
}

TEST(Generator, GivesTheSameStreamsFromTheSamePlace) {
  Generator a(7), b(7);
  EXPECT_EQ(a.uniform(), b.uniform());
  const std::uint64_t place = a.position();
  const double next = a.uniform();
  a.set_position(place);
  EXPECT_EQ(a.uniform(), next);
  EXPECT_NE(a.uniform(), next);
}

TEST(Generator, UniformAndBelowStayInRangeWithTheRightMean) {
  Generator generator(11);
  double sum = 0;
  std::array<int, 5> counts{};
  for (int i = 0; i < 20000; ++i) {
    const double u = generator.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += u;
    ++counts.at(generator.below(5));
  }
  EXPECT_NEAR(sum / 20000, 0.5, 0.01);
  for (int count : counts) EXPECT_NEAR(count, 4000, 250);
}

}  // namespace
}  // namespace attend

#include "attend/explain/words.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::explain {
namespace {

using Pieces = std::vector<std::string>;
using Words = std::vector<std::int64_t>;

TEST(Words, BeginAtWhiteSpace) {
  const Pieces pieces = {"Mein", " kl", "ein", "es", " Haus", ".", "\n", "Ja", " ", "so"};
  const Words words = words_of(pieces);
  EXPECT_EQ(words, (Words{0, 1, 1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_EQ(joined(pieces, words), (Pieces{"Mein", "kleines", "Haus.", "Ja", "so"}));
}

TEST(Words, EndAtWhiteSpaceTheyEndIn) {
  const Pieces pieces = {"a ", "b", "c ", " ", "d"};
  const Words words = words_of(pieces);
  EXPECT_EQ(words, (Words{0, 1, 1, 2, 2}));
  EXPECT_EQ(joined(pieces, words), (Pieces{"a", "bc", "d"}));
  EXPECT_TRUE(words_of(Pieces{}).empty());
  EXPECT_EQ(joined({" "}, words_of(Pieces{" "})), Pieces{" "});
}

TEST(Words, MergedMapsShareAttentionAmongWords) {
  AttentionMaps maps;
  maps.queries = {"x", "y", " z"};
  maps.keys = {"a", " b", "c"};
  maps.layers = 1;
  maps.heads = 2;
  maps.causal = false;
  maps.weights = {0.5f, 0.25f, 0.25f, 0.0f, 0.5f, 0.5f, 1.0f, 0.0f, 0.0f,
                  1.0f, 0.0f,  0.0f,  0.0f, 1.0f, 0.0f, 0.0f, 0.0f, 1.0f};
  const AttentionMaps merged = merge_words(maps);
  EXPECT_EQ(merged.queries, (Pieces{"xy", "z"}));
  EXPECT_EQ(merged.keys, (Pieces{"a", "bc"}));
  EXPECT_EQ(merged.weights, (std::vector<float>{0.25f, 0.75f, 1.0f, 0.0f, 0.5f, 0.5f, 0.0f, 1.0f}));
  EXPECT_FALSE(merged.causal);
  maps.weights.pop_back();
  EXPECT_ERROR(merge_words(maps), "weights");
}

}  // namespace
}  // namespace attend::explain

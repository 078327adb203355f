#include "attend/metric/chrf.h"

#include "metric/golden_metrics.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

using Texts = std::vector<std::string>;

TEST(Chrf, CorpusEqualsSacreBleu) {
  int checked = 0;
  for (const auto& corpus : test::golden_metrics("corpora")) {
    for (const auto& expected : corpus.at("chrf")) {
      const auto& options = expected.at("options");
      const std::string name = corpus.at("name").get<std::string>() + " " + options.dump();
      const auto score =
          corpus_chrf(corpus.at("hypotheses").get<Texts>(), corpus.at("references").get<References>(),
                      {.lowercase = options.value("lowercase", false),
                       .char_order = options.value("char_order", 6),
                       .word_order = options.value("word_order", 0),
                       .beta = options.value("beta", 2)});
      test::expect_same(score.score, expected.at("score").get<double>(), name);
      EXPECT_EQ(score.text(), expected.at("text").get<std::string>()) << name;
      ++checked;
    }
  }
  EXPECT_GE(checked, 50);
}

TEST(Chrf, RefusesWhatHasNoScore) {
  const Texts one = {"a"};
  EXPECT_ERROR(corpus_chrf(one, References{}), "chrF: 1 hypotheses for 0 segments");
  EXPECT_ERROR(corpus_chrf(Texts{}, References{}), "chrF: no segments");
  EXPECT_ERROR(corpus_chrf(one, References{{}}), "chrF: segment 1 has no reference");
  EXPECT_ERROR(corpus_chrf(Texts{"\xff"}, References{one}), "chrF: hypothesis 1 is not UTF-8");
  EXPECT_ERROR(corpus_chrf(one, References{one}, {.char_order = 0}), "char_order is 0; it must be 1 to 100");
  EXPECT_ERROR(corpus_chrf(one, References{one}, {.word_order = -1}), "word_order is -1");
  EXPECT_ERROR(corpus_chrf(one, References{one}, {.beta = 0}), "beta is 0");
}

}  // namespace
}  // namespace attend::metric

#include "attend/metric/bleu.h"

#include <limits>

#include "metric/golden_metrics.h"
#include "metric/text.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

using test::golden_metrics;

using Texts = std::vector<std::string>;

BleuOptions options_of(const nlohmann::json& options) {
  BleuOptions result{.lowercase = options.value("lowercase", false),
                     .effective_order = options.value("effective_order", false),
                     .smoothing_value = options.value("smooth_value", -1.0)};
  const std::string smoothing = options.value("smooth_method", "exp");
  if (smoothing == "none") result.smoothing = Smoothing::none;
  if (smoothing == "floor") result.smoothing = Smoothing::floor;
  if (smoothing == "add-k") result.smoothing = Smoothing::add_k;
  return result;
}

TEST(Bleu, CorpusEqualsSacreBleu) {
  int checked = 0;
  for (const auto& corpus : golden_metrics("corpora")) {
    for (const auto& expected : corpus.at("bleu")) {
      const std::string name = corpus.at("name").get<std::string>() + " " + expected.at("options").dump();
      const auto score =
          corpus_bleu(corpus.at("hypotheses").get<Texts>(), corpus.at("references").get<References>(),
                      options_of(expected.at("options")));
      test::expect_same(score.score, expected.at("score").get<double>(), name);
      for (std::size_t n = 0; n < BleuScore::kOrders; ++n)
        test::expect_same(score.precisions[n], expected.at("precisions").at(n).get<double>(), name);
      EXPECT_EQ(score.text(), expected.at("text").get<std::string>()) << name;
      ++checked;
    }
  }
  EXPECT_GE(checked, 50);
}

TEST(Bleu, SentenceHasEffectiveOrder) {
  const Texts reference = {"the red kettle"};
  const BleuScore score = sentence_bleu("the red kettle", reference);
  test::expect_same(score.score, 100, "three words");
  EXPECT_EQ(score.text(1),
            "BLEU|nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:2.6.0 = 100.0 100.0/100.0/100.0/0.0 "
            "(BP = 1.000 ratio = 1.000 hyp_len = 3 ref_len = 3)");
}

TEST(Bleu, TokensEqualSacreBleu) {
  for (const auto& entry : golden_metrics("text"))
    EXPECT_EQ(tokenize_13a(entry.at("text").get<std::string>()), entry.at("tokens_13a").get<std::string>())
        << entry.dump();
}

TEST(Bleu, TextIsSeenAsPythonSeesIt) {
  for (const auto& entry : golden_metrics("text")) {
    const auto text = entry.at("text").get<std::string>();
    EXPECT_EQ(lower(text), entry.at("lower").get<std::string>()) << entry.dump();
    const auto words = split(text);
    EXPECT_EQ(Texts(words.begin(), words.end()), entry.at("split").get<Texts>()) << entry.dump();
  }
}

TEST(Bleu, SmallSigmaDependsOnItsPlace) {
  EXPECT_EQ(lower("ΑΣ ΑΣΑ Σ Α.Σ ΑΣ' ΑΣ'Α ΑΣ1Α ⅠΣ ÀΣ"), "ας ασα σ α.ς ας' ασ'α ας1α ⅰς àς");
}

TEST(Bleu, RefusesWhatHasNoScore) {
  const Texts one = {"a"};
  const Texts broken = {"fine \xc3"};
  EXPECT_ERROR(corpus_bleu(one, References{}), "BLEU: 1 hypotheses for 0 segments");
  EXPECT_ERROR(corpus_bleu(Texts{}, References{}), "BLEU: no segments");
  EXPECT_ERROR(corpus_bleu(one, References{{}}), "BLEU: segment 1 has no reference");
  EXPECT_ERROR(corpus_bleu(broken, References{{"a"}}),
               "BLEU: hypothesis 1 is not UTF-8: byte 0xc3 at byte 5");
  EXPECT_ERROR(corpus_bleu(one, References{broken}), "BLEU: a reference of segment 1 is not UTF-8");
  EXPECT_ERROR(sentence_bleu("a", Texts{}), "has no reference");
  EXPECT_ERROR(
      corpus_bleu(one, References{one}, {.smoothing_value = std::numeric_limits<double>::quiet_NaN()}),
      "smoothing_value is nan");
}

}  // namespace
}  // namespace attend::metric

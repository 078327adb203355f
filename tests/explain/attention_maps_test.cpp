#include "attend/explain/attention_maps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <ostream>

#include "attend/base/error.h"
#include "attend/explain/html_page.h"
#include "attend/explain/json.h"
#include "attend/explain/png.h"
#include "attend/explain/terminal.h"
#include "explain/synthetic.h"

namespace attend::explain {
namespace {

using Break = std::function<void(AttentionMaps&)>;

struct BadMaps {
  const char* name;
  Break damage;
  const char* expected;  // part of the message
  bool fits_json = false;
};

// NOLINTNEXTLINE(readability-identifier-naming): the name that GoogleTest looks for
void PrintTo(const BadMaps& maps, std::ostream* out) {
  *out << maps.name;
}

class BadMapsTest : public testing::TestWithParam<BadMaps> {};

// Every display refuses damaged maps with the same one line.
TEST_P(BadMapsTest, EveryDisplayRefuses) {
  AttentionMaps maps = synthetic_maps(words(), 2, 3);
  EXPECT_NO_THROW(check(maps));
  GetParam().damage(maps);
  const std::function<void()> displays[] = {[&] { check(maps); }, [&] { to_terminal(maps); },
                                            [&] { to_html(maps); }, [&] { to_png(maps); },
                                            [&] { to_json(maps); }};
  for (const auto& display : displays) {
    if (&display == std::end(displays) - 1 && GetParam().fits_json) {
      EXPECT_NO_THROW(display());
      continue;
    }
    try {
      display();
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(GetParam().expected), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BadMapsTest,
    testing::Values(
        BadMaps{"NaN", [](AttentionMaps& m) { m.weights[31 * 31 + 31] = std::nanf(""); },
                "[0, 1, 1, 0] is nan"},
        BadMaps{"Infinite", [](AttentionMaps& m) { m.weights[0] = std::numeric_limits<float>::infinity(); },
                "is inf"},
        BadMaps{"Negative", [](AttentionMaps& m) { m.weights[5] = -0.01f; }, "[0, 0, 0, 5] is -0.01", true},
        BadMaps{"OverOne", [](AttentionMaps& m) { m.weights[0] = 1.1f; }, "is 1.1", true},
        BadMaps{"WeightMissing", [](AttentionMaps& m) { m.weights.pop_back(); },
                "do not match their 5765 weights"},
        BadMaps{"NoWeights", [](AttentionMaps& m) { m.weights.clear(); }, "do not match their 0 weights"},
        BadMaps{"LayerMissing", [](AttentionMaps& m) { m.weights.resize(31 * 31 * 3); }, "do not match"},
        BadMaps{"NoLayers", [](AttentionMaps& m) { m.layers = 0; }, "at least one layer"},
        BadMaps{"NegativeHeads", [](AttentionMaps& m) { m.heads = -3; }, "at least one layer and one head"},
        BadMaps{"AbsurdLayers", [](AttentionMaps& m) { m.layers = std::int64_t{1} << 62; }, "do not match"},
        BadMaps{"NoQueries", [](AttentionMaps& m) { m.queries.clear(); }, "the text is empty"},
        BadMaps{"NoTokens", [](AttentionMaps& m) { m.queries.clear(), m.keys.clear(), m.weights.clear(); },
                "the text is empty"},
        BadMaps{"TooLong", [](AttentionMaps& m) { m.queries.resize(20000), m.keys.resize(20000); },
                "at most 16384"},
        BadMaps{"MoreQueriesThanKeys", [](AttentionMaps& m) { m.keys.pop_back(); },
                "31 queries but only 30 keys"}),
    [](const auto& test) { return test.param.name; });

TEST(AttentionMapsTest, RoundingOfHalfPrecisionIsAccepted) {
  AttentionMaps maps = synthetic_maps({"x"}, 1, 1);
  maps.weights = {1.00390625f};
  EXPECT_NO_THROW(check(maps));
  EXPECT_NO_THROW(to_html(maps));
}

// Heads that talk mix their weights to such numbers.
TEST(AttentionMapsTest, WeightsOfAnyRangeAreDrawnWithTheirRangeInTheTitle) {
  AttentionMaps maps = synthetic_maps({"x", "y"}, 1, 1);
  maps.title = "model";
  maps.weights = {1.25f, 0, -0.5f, 0.75f};
  EXPECT_EQ(to_json(maps).find("weights from"), std::string::npos);
  const AttentionMaps drawn = drawable(maps);
  EXPECT_EQ(drawn.title, "model: weights from -0.5 to 1.25, drawn as 0 to 1");
  EXPECT_EQ(drawn.weights, (std::vector<float>{1, 0, 0, 0.75f}));
  EXPECT_NO_THROW(to_html(drawn));
  EXPECT_NE(to_terminal(drawn).find("weights from -0.5 to 1.25"), std::string::npos);
  maps.title.clear();
  EXPECT_EQ(drawable(maps).title, "weights from -0.5 to 1.25, drawn as 0 to 1");
  maps.weights = {1, 0, 0.25f, 0.75f};
  EXPECT_EQ(drawable(maps).title, "");
  EXPECT_EQ(drawable(maps).weights, maps.weights);
  maps.weights[0] = std::nanf("");
  EXPECT_THROW(drawable(maps), Error);
}

TEST(AttentionMapsTest, FullyMaskedRowIsAccepted) {
  AttentionMaps maps = synthetic_maps(words(), 1, 1);
  std::fill(maps.weights.begin(), maps.weights.begin() + 31, 0.0f);
  EXPECT_NO_THROW(to_terminal(maps));
  EXPECT_NO_THROW(to_html(maps));
}

TEST(AttentionMapsTest, HeadWeightsPicksTheHeadAndItsMean) {
  AttentionMaps maps;
  maps.queries = maps.keys = {"a", "b"};
  maps.layers = 2;
  maps.heads = 2;
  maps.weights = {1, 0, 0.5f, 0.5f, 1, 0, 0.25f, 0.75f, 1, 0, 0, 1, 1, 0, 0.5f, 0.5f};
  EXPECT_EQ(head_weights(maps, 0, 1), (std::vector<float>{1, 0, 0.25f, 0.75f}));
  EXPECT_EQ(head_weights(maps, 1, 0), (std::vector<float>{1, 0, 0, 1}));
  EXPECT_EQ(head_weights(maps, 1, std::nullopt), (std::vector<float>{1, 0, 0.25f, 0.75f}));
}

TEST(AttentionMapsTest, LayerOrHeadThatDoesNotExistIsNamed) {
  const AttentionMaps maps = synthetic_maps(words(), 2, 3);
  const auto message = [&](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string layer = "layer 2 does not exist: this model has layer 0 to 1, counted from 0";
  const std::string head = "head 3 does not exist: this model has head 0 to 2, counted from 0";
  EXPECT_EQ(message([&] { head_weights(maps, 2, 0); }), layer);
  EXPECT_EQ(message([&] { to_terminal(maps, {.layer = 2}); }), layer);
  EXPECT_EQ(message([&] { to_png(maps, {.layer = 2}); }), layer);
  EXPECT_EQ(message([&] { to_html(maps, {.layer = 2}); }), layer);
  EXPECT_EQ(message([&] { to_terminal(maps, {.head = 3}); }), head);
  EXPECT_EQ(message([&] { to_png(maps, {.head = 3}); }), head);
  EXPECT_EQ(message([&] { to_html(maps, {.head = 3}); }), head);
  EXPECT_NE(message([&] { head_weights(maps, -1, 0); }).find("layer -1"), std::string::npos);
  EXPECT_NE(message([&] { to_html(maps, {.layer = -2}); }).find("layer -2"), std::string::npos);
}

}  // namespace
}  // namespace attend::explain

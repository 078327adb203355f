// What `attend bench` prints: fields and relations that hold whatever the speed is.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "attend/attention/attend.h"
#include "attend/attention/mechanism.h"
#include "cli/child.h"

namespace attend::test {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

std::vector<json> lines_of(const Words& more) {
  Words words = {"bench", "--seconds", "0.01", "--threads", "1", "--json"};
  words.insert(words.end(), more.begin(), more.end());
  const Ended ended = attend(words);
  EXPECT_EQ(ended.code, 0) << ended.err;
  std::vector<json> lines;
  std::istringstream stream(ended.out);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

// FLOPs that a line counts.
double work_of(const json& line) {
  return line["gflops"].get<double>() * line["ms"].get<double>();
}

const Words kSmall = {"attention", "--length", "192", "--heads", "2", "--dim", "16"};

Words small(const Words& more) {
  Words words = kSmall;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Bench, AttentionCountsTheWorkThatTheMaskAllows) {
  const std::vector<json> lines = lines_of(small({"--precision", "f32", "--composite"}));
  ASSERT_EQ(lines.size(), 4u);
  constexpr double kPairs = 192.0 * 192, kCausalPairs = 192.0 * 193 / 2, kFlopsOfPair = 4.0 * 2 * 16;
  for (const json& line : lines) {
    const bool causal = line["shape"] == "B 1 T 192 H 2 D 16 causal",
               training = line["name"] == "attention_train";
    EXPECT_TRUE(causal || line["shape"] == "B 1 T 192 H 2 D 16") << line;
    const double flops = kFlopsOfPair * (causal ? kCausalPairs : kPairs) * (training ? 3.5 : 1);
    EXPECT_NEAR(work_of(line) * 1e6, flops, 1e-6 * flops) << line;
    EXPECT_EQ(line["mechanism"], "scaled_dot");
    EXPECT_FALSE(line.contains("time_over_plain")) << line;
    EXPECT_NEAR(line["fraction"].get<double>(),
                line["gflops"].get<double>() / line["limit_gflops"].get<double>(), 1e-9);
    EXPECT_GE(line["repeats"], 2);
    EXPECT_GE(line["ms_worst"], line["ms"]);
    // The output beside queries, keys and values.
    EXPECT_GE(line["peak_bytes"], 4 * 4 * 192 * 2 * 16);
    EXPECT_GE(line["composite_peak_bytes"], 4 * 2 * 192 * 192);
    EXPECT_NEAR(line["composite_time_ratio"].get<double>(),
                line["composite_ms"].get<double>() / line["ms"].get<double>(), 1e-9);
    EXPECT_GT(line["composite_memory_ratio"], 1);
  }
}

TEST(Bench, AttentionStandsBesidePlainAttention) {
  const std::vector<json> lines =
      lines_of(small({"--dropout", "0.1", "--window", "64", "--callable", "--soft-cap", "20", "--causal",
                      "--no-composite", "--key-heads", "1"}));
  ASSERT_EQ(lines.size(), 4u);
  for (const json& line : lines) {
    EXPECT_EQ(line["mechanism"], "scaled_dot dropout 0.1 soft cap 20 window 64 callable");
    EXPECT_EQ(line["shape"], "B 1 T 192 H 2:1 D 16 causal");
    EXPECT_GT(line["time_over_plain"], 0);
    EXPECT_FALSE(line.contains("composite_ms")) << line;
    const double flops =
        4.0 * 2 * 16 * (64 * 65 / 2.0 + 128 * 64) * (line["name"] == "attention_train" ? 3.5 : 1);
    EXPECT_NEAR(work_of(line) * 1e6, flops, 1e-6 * flops) << line;
  }
  EXPECT_EQ(std::set<std::string>({lines[0]["dtype"], lines[2]["dtype"]}),
            (std::set<std::string>{"f32", "bf16"}));
}

// Pairs with a weight, all scores being equal.
std::int64_t pairs_of(const attention::Place& place, std::int64_t length) {
  AttentionSpec spec;
  spec.place = place;
  spec.place.positions = attention::Place::Positions::none;
  const Tensor zeros = Tensor::zeros({1, length, 1, 1});
  return std::ranges::count_if(attention::weights(zeros, zeros, spec).to_vector<float>(),
                               [](float weight) { return weight > 0; });
}

TEST(Bench, AttentionTakesEveryMechanism) {
  const std::vector<json> lines = lines_of({"attention", "--mechanism", "all", "--length", "150", "--heads",
                                            "1", "--dim", "8", "--precision", "f32", "--no-composite"});
  std::map<std::string, int> count;
  for (const json& line : lines) {
    const std::string name = line["mechanism"];
    ++count[name];
    EXPECT_GT(line["ms"], 0) << line;
    EXPECT_TRUE(name == "scaled_dot" || line["time_over_plain"] > 0) << line;
    const AttentionSpec spec = attention::mechanism(name, line["shape"] == "B 1 T 150 H 1 D 8 causal");
    const bool is_linear = spec.gather.kind != attention::Gather::Kind::weighted_sum;
    EXPECT_EQ(line.contains("fraction"), !is_linear) << line;
    if (is_linear) continue;
    const double flops = 4.0 * 8 * static_cast<double>(pairs_of(spec.place, 150)) *
                         (line["name"] == "attention_train" ? 3.5 : 1);
    EXPECT_NEAR(work_of(line) * 1e6, flops, 1e-6 * flops) << line;
  }
  for (const attention::Mechanism& mechanism : attention::mechanisms()) {
    const bool one_form =
        !mechanism.has_causal_form || mechanism.spec(false).place.mask == attention::Place::Mask::causal;
    EXPECT_EQ(count[std::string(mechanism.name)], one_form ? 2 : 4) << mechanism.name;
  }
}

TEST(Bench, ObserveStandsBesideThePlainPass) {
  const std::vector<json> lines = lines_of(
      {"observe", "--length", "96", "--heads", "2", "--dim", "8", "--mechanism", "alibi,window", "--causal"});
  ASSERT_EQ(lines.size(), 8u);
  for (const json& line : lines) {
    EXPECT_TRUE(line["name"] == "observe_attention" || line["name"] == "observe_layer") << line;
    EXPECT_GT(line["time_over_plain"], 0);
    EXPECT_GT(line["peak_bytes"], 0);
  }
  EXPECT_EQ(lines[0]["mechanism"], "alibi");
  EXPECT_EQ(lines[2]["mechanism"], "window");
}

TEST(Bench, RefusesInOneLine) {
  const auto refuses = [](const Words& more, const std::string& part) {
    Words words = {"bench"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = attend(words);
    EXPECT_EQ(ended.code, 2) << testing::PrintToString(more);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
  };
  refuses({"attention", "--mechanism", "alibbi"}, "did you mean alibi");
  refuses({"attention", "--mechanism", "linformer", "--causal"}, "causal");
  refuses({"attention", "--heads", "6", "--key-heads", "4"}, "--key-heads 4");
  refuses({"attention", "--dim", "257"}, "--dim");
  refuses({"attention", "--length", "0"}, "--length");
  refuses({"attention", "--dropout", "1"}, "--dropout");
  refuses({"attention", "--dropout", "nan"}, "--dropout");
  refuses({"gemm", "--length", "8"}, "--length is for attend bench attention");
  refuses({"speed"}, "speed");
}

}  // namespace
}  // namespace attend::test

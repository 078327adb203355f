#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "attend/attention/mechanism.h"
#include "cli/tiny_model.h"

namespace attend::test {
namespace {

using nlohmann::json;

class Use : public TinyModel {
 protected:
  static std::string of(const Words& arguments, const ChildOptions& options = {}) {
    const Ended ended = attend(arguments, options);
    EXPECT_EQ(ended.code, 0) << testing::PrintToString(arguments) << ended.err;
    EXPECT_EQ(ended.err, "");
    return ended.out;
  }
  std::string out(const char* name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

const std::string kSeen = "the cat sees";

TEST_F(Use, SeeWritesNumbers) {
  of({"see", model().string(), kSeen, "--out", out("maps.json")});
  const json maps = json::parse(read_all(folder_ / "maps.json"));
  EXPECT_EQ(maps["shape"], json({2, 2, 12, 12}));
  std::string read;
  for (const auto& piece : maps["queries"]) read += piece.get<std::string>();
  EXPECT_EQ(read, kSeen);
  ASSERT_EQ(maps["weights"].size(), 2u);
  for (const json& layer : maps["weights"]) {
    ASSERT_EQ(layer.size(), 2u);
    for (const json& head : layer) {
      ASSERT_EQ(head.size(), 12u);
      for (std::size_t query = 0; query < head.size(); ++query) {
        ASSERT_EQ(head[query].size(), 12u);
        double sum = 0;
        for (std::size_t key = 0; key < 12; ++key) {
          const double weight = head[query][key];
          EXPECT_TRUE(weight >= 0 && weight <= 1) << weight;
          EXPECT_TRUE(key <= query || weight == 0) << "looks ahead";
          sum += weight;
        }
        EXPECT_FALSE(!(std::abs(sum - 1) <= 1e-5)) << sum;
      }
    }
  }
}

TEST_F(Use, SeeWritesAPage) {
  of({"see", model().string(), kSeen, "--out", out("page.html")});
  const std::string page = read_all(folder_ / "page.html");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>") || page.starts_with("<!doctype html>"))
      << page.substr(0, 80);
  EXPECT_NE(page.find("</html>"), std::string::npos);
  EXPECT_NE(page.find("\"queries\""), std::string::npos);
  of({"see", model().string(), "a dog", "--out", out("other.html")});
  EXPECT_NE(page, read_all(folder_ / "other.html")) << "the page does not depend on the text";
}

TEST_F(Use, SeeWritesAPicture) {
  of({"see", model().string(), kSeen, "--out", out("all.png")});
  of({"see", model().string(), kSeen, "--out", out("one.png"), "--layer", "0", "--head", "1"});
  for (const char* name : {"all.png", "one.png"}) {
    const std::string picture = read_all(folder_ / name);
    EXPECT_TRUE(picture.starts_with("\x89PNG\r\n\x1a\n")) << name;
    EXPECT_EQ(picture.substr(picture.size() - 8, 4), "IEND") << name;
  }
  EXPECT_NE(read_all(folder_ / "all.png"), read_all(folder_ / "one.png"));
}

TEST_F(Use, SeeInTheTerminal) {
  const std::string shown = of({"see", model().string(), kSeen});
  EXPECT_NE(shown.find("next:"), std::string::npos) << shown;
  EXPECT_GT(std::count(shown.begin(), shown.end(), '\n'), 12) << shown;
  EXPECT_EQ(shown.find('\x1b'), std::string::npos) << "colours where there is no terminal";
  EXPECT_NE(shown, of({"see", model().string(), kSeen, "--layer", "0", "--head", "1"}));
}

TEST_F(Use, LookingChangesNoBit) {
  const Words run = {"run", model().string(), "--prompt", kSeen, "--tokens", "20", "--seed", "3"};
  const std::string before = of(run);
  of({"see", model().string(), kSeen});
  EXPECT_EQ(before, of(run));
}

TEST_F(Use, RunDependsOnTheSeedAlone) {
  for (const char* precision : {"f32", "bf16"}) {
    const auto run = [&](const Words& more) {
      return of(
          Words{"run", model().string(), "--prompt", "the cat", "--tokens", "60", "--precision", precision} +
          more);
    };
    const std::string first = run({"--seed", "3"});
    EXPECT_TRUE(first.starts_with("the cat")) << first;
    EXPECT_EQ(first, run({"--seed", "3"}));
    EXPECT_EQ(first, run({"--seed", "3", "--threads", "1"}));
    EXPECT_NE(first, run({"--seed", "4"}));
    const std::string greedy = run({"--seed", "3", "--temperature", "0"});
    EXPECT_EQ(greedy, run({"--seed", "4", "--temperature", "0"}));
    EXPECT_EQ(greedy, run({"--seed", "5", "--top-k", "1"}));
  }
}

TEST_F(Use, RunTakesThePromptFromAnywhere) {
  write_all(folder_ / "prompt.txt", "the cat");
  const Words run = {"run", model().string(), "--tokens", "20"};
  const std::string given = of(run + Words{"--prompt", "the cat"});
  EXPECT_EQ(given, of(run + Words{"--file", out("prompt.txt")}));
  EXPECT_EQ(given, of(run, {.input = "the cat"}));
  const json facts = json::parse(of(run + Words{"--prompt", "the cat", "--json"}));
  EXPECT_EQ(facts["tokens"], 20);
  EXPECT_EQ(facts["prompt_tokens"], 7);
  const std::string all = facts["prompt"].get<std::string>() + facts["text"].get<std::string>();
  EXPECT_EQ(given, all.ends_with('\n') ? all : all + "\n");
}

TEST_F(Use, RunStops) {
  const Words run = {"run", model().string(), "--prompt", "the cat", "--tokens", "60", "--json"};
  const std::string text = json::parse(of(run))["text"];
  const std::string stop = text.substr(10, 2);
  const json stopped = json::parse(of(run + Words{"--stop", stop}));
  EXPECT_EQ(stopped["text"], text.substr(0, text.find(stop)));
  EXPECT_EQ(stopped["stopped"], true);
}

TEST_F(Use, EvaluationCountsEveryToken) {
  const json config = json::parse(read_all(model() / "config.json"));
  const Words eval = {"eval", model().string(), "--data", text().string(), "--json"};
  const json valid = json::parse(of(eval));
  EXPECT_EQ(valid["split"], "valid");
  EXPECT_EQ(valid["tokens"].get<std::int64_t>(), config["data"]["validation_tokens"].get<std::int64_t>() - 1);
  const json all = json::parse(of(eval + Words{"--split", "all"}));
  EXPECT_EQ(all["tokens"].get<std::int64_t>(), config["data"]["tokens"].get<std::int64_t>() - 1);
  // The weights that are kept are those of the best evaluation, whose loss the training has noted.
  const double loss = valid["loss"], noted = config["results"]["validation_loss"];
  EXPECT_FALSE(!(std::abs(loss - noted) <= 1e-6)) << loss << " " << noted;
  EXPECT_FALSE(!(std::abs(valid["perplexity"].get<double>() - std::exp(loss)) <= 1e-9 * std::exp(loss)));
  const double bits =
      loss * valid["tokens"].get<double>() / (std::log(2.0) * valid["characters"].get<double>());
  EXPECT_FALSE(!(std::abs(valid["bits_per_character"].get<double>() - bits) <= 1e-9));
  for (const char* key : {"task", "data", "model", "tokenizer", "context", "windows", "precision", "version"})
    EXPECT_TRUE(valid.contains(key)) << key;
  const json half = json::parse(of(eval + Words{"--precision", "bf16"}));
  EXPECT_FALSE(!(std::abs(half["loss"].get<double>() - loss) <= 0.05)) << half["loss"];
  EXPECT_NE(half["loss"], valid["loss"]) << "bf16 computes the same bits as f32: it was not used";
}

TEST_F(Use, TheModelCardHasTheFiguresOfAnEvaluation) {
  const std::string card = read_all(model() / "README.md");
  std::istringstream shown(of({"eval", model().string(), "--data", text().string()}));
  int found = 0;
  for (std::string line; std::getline(shown, line);) {
    if (!line.starts_with("perplexity") && !line.starts_with("bits per character")) continue;
    const std::string figure = line.substr(line.find_last_of(' ') + 1);
    EXPECT_NE(card.find(" " + figure + " |"), std::string::npos) << line << "\n" << card;
    ++found;
  }
  EXPECT_EQ(found, 2);
}

TEST_F(Use, EvaluationOfTokensInWhichNoCharacterBegins) {
  const Ended ended = attend(
      train_tiny(text(), folder_ / "bytes", {"--tokenizer", "byte", "--steps", "1", "--eval-every", "0"}));
  ASSERT_EQ(ended.code, 0) << ended.err;
  // Two bytes, of which the second, the only one that is predicted, goes on with the character of the first.
  write_all(folder_ / "letter.txt", "ä");
  const Words eval = {"eval", out("bytes"), "--data", out("letter.txt"), "--split", "all"};
  const json facts = json::parse(of(eval + Words{"--json"}));
  EXPECT_EQ(facts["characters"], 0);
  EXPECT_FALSE(facts.contains("bits_per_character"));
  EXPECT_NE(of(eval).find("bits per character  none"), std::string::npos);
}

TEST_F(Use, TheModelCardQuotesTheCommand) {
  const std::string name = "a model's folder";
  const Ended ended =
      attend(train_tiny(text(), folder_ / name, {"--no-tied", "--no-bias", "--recompute", "--steps", "3"}));
  ASSERT_EQ(ended.code, 0) << ended.err;
  const std::string card = read_all(folder_ / name / "README.md");
  for (const char* part : {" --no-tied ", " --no-bias ", " --recompute", "a model'\\''s folder' "})
    EXPECT_NE(card.find(part), std::string::npos) << part << "\n" << card;
  EXPECT_EQ(card.find("--tied"), std::string::npos) << card;
}

TEST_F(Use, TrainingLearns) {
  const json config = json::parse(read_all(model() / "config.json"));
  // Guessing among the letters without having learnt anything costs the logarithm of their number.
  const double guess = std::log(config["model"]["vocabulary"].get<double>());
  EXPECT_LT(config["results"]["validation_loss"].get<double>(), guess - 0.3);
  EXPECT_EQ(config["results"]["step"], 40);
}

TEST_F(Use, InfoAboutAModel) {
  const json facts = json::parse(of({"info", model().string(), "--json"}));
  const json weights = json::parse(of({"info", (model() / "model.safetensors").string(), "--json"}));
  EXPECT_EQ(facts["parameters"], weights["elements"]);
  EXPECT_EQ(facts["model"]["layers"], 2);
  EXPECT_EQ(facts["training"]["seed"], 11);
  EXPECT_NE(of({"info", model().string()}).find("2 layers"), std::string::npos);
}

TEST_F(Use, EveryInstructionSetRuns) {
  const json machine = json::parse(of({"info", "--json"}));
  EXPECT_EQ(machine["kernels_forced"], false);
  const auto available = machine["kernels_available"].get<std::vector<std::string>>();
  ASSERT_FALSE(available.empty());
  EXPECT_NE(std::find(available.begin(), available.end(), machine["kernels"].get<std::string>()),
            available.end());
  std::set<std::string> compiled;
  const double loss =
      json::parse(of({"eval", model().string(), "--data", text().string(), "--json"}))["loss"].get<double>();
  for (const std::string& name : available) {
    SCOPED_TRACE(name);
    const ChildOptions forced = {.environment = {{"ATTEND_ISA", name}}};
    const json facts = json::parse(of({"info", "--json"}, forced));
    EXPECT_EQ(facts["kernels"], name);
    EXPECT_EQ(facts["kernels_forced"], true);
    compiled.insert(facts["kernels_compiled_for"].get<std::string>());
    const json result =
        json::parse(of({"eval", model().string(), "--data", text().string(), "--json"}, forced));
    EXPECT_FALSE(!(std::abs(result["loss"].get<double>() - loss) <= 1e-5)) << result["loss"] << " " << loss;
    const Ended trained = attend(train_tiny(text(), folder_ / name, {"--steps", "3"}), forced);
    EXPECT_EQ(trained.code, 0) << trained.err;
  }
  // Each set was compiled with options of its own, which the kernels themselves report.
  EXPECT_EQ(compiled.size(), available.size());
}

TEST_F(Use, AttentionListsEveryMechanism) {
  const json rows = json::parse(of({"attention", "--json"}));
  const std::string text = of({"attention"});
  ASSERT_EQ(rows.size(), attention::mechanisms().size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const attention::Mechanism& mechanism = attention::mechanisms()[i];
    const attention::MechanismFacts facts = attention::facts_of(mechanism);
    EXPECT_EQ(rows[i]["name"], mechanism.name);
    EXPECT_EQ(rows[i]["formula"], mechanism.formula);
    EXPECT_EQ(rows[i]["steps"], facts.steps);
    EXPECT_EQ(rows[i]["computed"], attention::name_of(facts.path));
    EXPECT_EQ(rows[i]["decode"], facts.decode);
    EXPECT_EQ(rows[i]["dtypes"], json({"f32", "bf16", "f64"}));
    for (const std::string_view part : {mechanism.formula, mechanism.paper, std::string_view(facts.steps)})
      EXPECT_NE(text.find(part), std::string::npos) << part;
    EXPECT_NE(text.find(std::string(mechanism.name).append("\n")), std::string::npos) << mechanism.name;
  }
}

TEST_F(Use, CompareTrainsAndDraws) {
  const Words quick = {"compare", "scaled_dot", "nystrom", "--steps", "1", "--batch", "2"};
  const std::string table = of(quick);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4) << table;
  EXPECT_NE(table.find("| nystrom "), std::string::npos) << table;
  const json line = json::parse(of({"compare", "window", "--steps", "1", "--task", "copy", "--json"}));
  EXPECT_EQ(line["mechanism"], "window");
  EXPECT_GT(line["copy"]["tokens_per_second"], 0);
  EXPECT_FALSE(line.contains("lists"));
  const std::filesystem::path pictures = folder_ / "pictures";
  of({"compare", "scaled_dot", "nystrom", "--pictures", pictures.string()});
  for (const char* name : {"scaled_dot.png", "scaled_dot_causal.png", "nystrom.png"})
    EXPECT_TRUE(read_all(pictures / name).starts_with("\x89PNG")) << name;
  EXPECT_FALSE(std::filesystem::exists(pictures / "nystrom_causal.png"));
  const std::filesystem::path weights = folder_ / "weights";
  of({"compare", "sigmoid", "--weights", weights.string(), "--steps", "1", "--batch", "2"});
  EXPECT_TRUE(read_all(weights / "sigmoid.png").starts_with("\x89PNG"));
}

TEST_F(Use, HelpVersionAndTasks) {
  EXPECT_TRUE(of({"--version"}).starts_with("attend "));
  EXPECT_EQ(of({}), of({"--help"}));
  for (const Words& verb :
       {Words{"train", "generate"}, Words{"run"}, Words{"eval"}, Words{"see"}, Words{"info"}, Words{"bench"},
        Words{"tasks"}, Words{"compare"}, Words{"attention"}}) {
    EXPECT_GT(of(verb + Words{"--help"}).size(), 100u) << verb.front();
  }
  EXPECT_NE(of({"tasks"}).find("generate"), std::string::npos);
  const std::string help = of({"train", "generate", "--help"});
  EXPECT_NE(help.find("  --tied, --no-tied  "), std::string::npos) << help;
  EXPECT_NE(help.find("  --bias, --no-bias  "), std::string::npos) << help;
  EXPECT_NE(help.find("  -h, --help  "), std::string::npos) << help;
}

}  // namespace
}  // namespace attend::test

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/attention/mechanism.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/verbs.h"

namespace attend::cli {

namespace {

using attention::Mechanism;
using attention::MechanismFacts;

std::vector<std::string_view> dtype_names(const MechanismFacts& facts) {
  std::vector<std::string_view> names;
  for (const DType dtype : facts.dtypes) names.push_back(name_of(dtype));
  return names;
}

nlohmann::ordered_json row_of(const Mechanism& mechanism) {
  const MechanismFacts facts = attention::facts_of(mechanism);
  return {{"name", mechanism.name},
          {"other_names", mechanism.other_names},
          {"formula", mechanism.formula},
          {"paper", mechanism.paper},
          {"steps", facts.steps},
          {"computed", attention::name_of(facts.path)},
          {"learns", facts.learned},
          {"dtypes", dtype_names(facts)},
          {"forward", true},
          {"backward", true},
          {"causal", mechanism.has_causal_form},
          {"decode", facts.decode}};
}

std::string text_of(const Mechanism& mechanism) {
  const MechanismFacts facts = attention::facts_of(mechanism);
  std::string text = fmt::format("{}\n", mechanism.name);
  const auto line = [&](std::string_view label, std::string_view value) {
    text += fmt::format("  {:<9} {}\n", label, value);
  };
  if (!mechanism.other_names.empty()) line("also", fmt::format("{}", fmt::join(mechanism.other_names, ", ")));
  line("formula", mechanism.formula);
  line("paper", mechanism.paper);
  line("steps", facts.steps);
  if (!facts.learned.empty()) line("learns", fmt::format("{}", fmt::join(facts.learned, ", ")));
  line("computed", fmt::format("{}; {}; forward, backward{}{}", attention::name_of(facts.path),
                               fmt::join(dtype_names(facts), ", "),
                               mechanism.has_causal_form ? ", causal" : "", facts.decode ? ", decode" : ""));
  return text;
}

int list_mechanisms(bool json) {
  if (json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Mechanism& mechanism : attention::mechanisms()) list.push_back(row_of(mechanism));
    print(list.dump(2) + "\n");
    return kSuccess;
  }
  std::string text;
  for (const Mechanism& mechanism : attention::mechanisms()) text += text_of(mechanism);
  text +=
      "\nfused: kernels that never build a [queries, keys] matrix; linear: linear work in the length; "
      "composite:\n"
      "plain operations with that matrix. Learned, sinusoidal and rotary positions, grouped-query and "
      "multi-query\n"
      "heads are options of the layer, with any of these.\n";
  print(text);
  return kSuccess;
}

}  // namespace

void add_attention(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb =
      program.add_subcommand("attention", "List the attention mechanisms: formula, paper, abilities");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print JSON");
  verb->footer("Examples:\n  attend attention\n  attend attention --json");
  verbs.push_back({verb, [json] { return list_mechanisms(*json); }});
}

}  // namespace attend::cli

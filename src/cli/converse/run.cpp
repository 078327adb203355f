#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/data/line_reader.h"
#include "attend/task/converser.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::converse {

namespace {

struct RunOptions : UseOptions {
  task::ReplyOptions reply;
  std::vector<std::string> turns;
  bool json = false;
};

void print_reply(const task::Reply& reply, bool json) {
  if (json) {
    nlohmann::ordered_json object = {{"reply", reply.text},
                                     {"generated", reply.generated},
                                     {"query", reply.query},
                                     {"sources", nlohmann::ordered_json::array()}};
    for (const task::Source& source : reply.sources) {
      nlohmann::ordered_json one = {{"score", source.score}, {"text", source.text}};
      if (!source.document.empty()) one["document"] = source.document;
      object["sources"].push_back(one);
    }
    print(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return;
  }
  std::string text = reply.text + "\n";
  for (std::size_t i = 0; i < reply.sources.size(); ++i) {
    const task::Source& source = reply.sources[i];
    const std::string kind = source.document.empty() ? "answer" : source.document;
    // The reply itself stands above already.
    const bool used = i == 0 && !reply.generated;
    text += fmt::format("  {} {:.4f}  {}{}\n", used ? "used" : "near", source.score, kind,
                        used ? "" : ": " + source.text);
  }
  if (reply.generated) text += "  generated\n";
  print(text);
}

int run(const RunOptions& options) {
  use_threads(options);
  const task::Converser model(options.model, options.precision);
  std::vector<std::string> turns;
  const auto say = [&](const std::string& turn) {
    turns.push_back(turn);
    print_reply(model.reply(turns, options.reply), options.json);
  };
  if (!options.turns.empty()) {
    for (const std::string& turn : options.turns) say(turn);
    return kSuccess;
  }
  data::LineReader lines("/dev/stdin");
  while (const auto line = lines.next()) {
    if (line->find_first_not_of(" \t\v\f\r") == std::string_view::npos)
      turns.clear();
    else
      say(std::string(*line));
  }
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Hold a conversation");
  auto options = std::make_shared<RunOptions>();
  add_model_argument(verb, options);
  verb->add_option("turns", options->turns,
                   "What is said, turn by turn (default: lines of standard input; an empty line begins anew)")
      ->option_text("[TEXT...]");
  verb->add_option("--turns", options->reply.turns,
                   "Turns of the user, the newest included, that make the query")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(1, 1 << 20));
  verb->add_option("--top-k", options->reply.sources, "Answers and paragraphs that are told")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(1, 1 << 20));
  verb->add_flag("--generate", options->reply.generate,
                 "Let the generator write the reply, instead of the best answer or paragraph");
  verb->add_flag("--json", options->json, "Print a JSON object for each turn");
  add_machine_options(verb, options);
  verb->footer(
      "The reply, and below it what it is made of, and what else is near, with their cosines.\n\n"
      "Examples:\n"
      "  attend run agent\n"
      "  attend run agent \"How do I return a parcel?\" \"And if it is open?\" --json");
  verbs.push_back({verb, [options] { return run(*options); }});
}

}  // namespace attend::cli::converse

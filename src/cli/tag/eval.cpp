#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/base/version.h"
#include "attend/task/tagger.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/texts.h"
#include "cli/use_options.h"

namespace attend::cli::tag {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions {
  std::string data;
  bool skip_bad = false, json = false;
};

Json json_of(const metric::PrecisionRecall& score) {
  return {{"precision", score.precision}, {"recall", score.recall}, {"f1", score.f1}};
}

Json json_of(const task::TagEvaluation& result) {
  Json object = {{"task", "tag"},         {"sentences", result.sentences},
                 {"words", result.words}, {"accuracy", result.accuracy},
                 {"loss", result.loss},   {"skipped", result.skipped.count}};
  if (!result.spans) return object;
  object["spans"] = json_of(result.spans->micro);
  for (const auto& [type, of_type] : result.spans->by_type)
    object["span_types"][type] = json_of(of_type.score);
  return object;
}

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::Tagger model(options.model, options.precision);
  const task::TagEvaluation result = model.evaluate(options.data, reading(options.skip_bad));
  if (options.json) {
    Json facts = json_of(result);
    facts.update(Json{{"data", options.data},
                      {"model", options.model},
                      {"precision", options.precision},
                      {"version", version()}});
    print(facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  std::string text =
      fmt::format("{} sentences, {} words: {:.4f} with the right tag, loss {:.4f} nats a word\n",
                  result.sentences, result.words, result.accuracy, result.loss);
  if (result.spans) text += "\n" + result.spans->text();
  if (result.skipped.count > 0)
    text +=
        fmt::format("{} bad records skipped (the first: {})\n", result.skipped.count, result.skipped.first);
  print(text);
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well a model tags words");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  verb->add_option("--data", options->data, "Tagged sentences, written as those of the training")
      ->option_text("FILE (required)")
      ->required()
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip bad records");
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  add_machine_options(verb, options);
  verb->footer(
      "The share of words with the right tag; of tags that mark spans (B-PER, I-PER, O) precision, recall "
      "and "
      "F1 too,\nas conlleval counts them.\n\nExample:\n  attend eval names --data test.conll --json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::tag

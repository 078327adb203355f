#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/base/version.h"
#include "attend/task/tagger.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/tag/verbs.h"

namespace attend::cli::tag {

namespace {

using Json = nlohmann::ordered_json;

struct TagEval {
  std::string model, data, precision = "f32";
  std::int64_t threads = 0;
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

int evaluate(const TagEval& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
  const task::Tagger model(options.model, options.precision);
  const task::TagEvaluation result = model.evaluate(
      options.data, {.bad_records = options.skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow});
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

void add_eval(CLI::App& eval, std::vector<Verb>& verbs) {
  CLI::App* verb = eval.add_subcommand("tag", "Measure how well a model tags words");
  auto options = std::make_shared<TagEval>();
  verb->add_option("model", options->model, "The model folder")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("--data", options->data, "Tagged sentences, written as those of the training")
      ->option_text("FILE (required)")
      ->required()
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip bad records");
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  verb->add_option("--precision", options->precision, "f32, bf16, or auto: bf16 where the processor has it")
      ->type_name("P")
      ->capture_default_str()
      ->check(one_of({"f32", "bf16", "auto"}));
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->check(whole_number(1, 1024));
  verb->footer(
      "The share of words with the right tag; of tags that mark spans (B-PER, I-PER, O) precision, recall "
      "and "
      "F1 too,\nas conlleval counts them.\n\nExample:\n  attend eval names --data test.conll --json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::tag

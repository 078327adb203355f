#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/base/version.h"
#include "attend/task/converser.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/pair_options.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::converse {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions, PairOptions {
  std::int64_t candidates = 1000;
  bool generate = false, json = false;
};

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::Converser model(options.model, options.precision);
  const task::ConverseEvaluation result =
      model.evaluate(files_of(options.data, options), options.candidates, {.generate = options.generate});
  if (options.json) {
    const Json facts = {{"task", "converse"},
                        {"recall@1", result.search.recall_1},
                        {"recall@10", result.search.recall_10},
                        {"mrr", result.search.mean_reciprocal_rank},
                        {"candidates", result.search.candidates},
                        {"bleu", result.bleu.score},
                        {"bleu_signature", result.bleu.signature},
                        {"rouge1", result.rouge.rouge_1.f1},
                        {"rouge2", result.rouge.rouge_2.f1},
                        {"rougeL", result.rouge.rouge_l.f1},
                        {"generated", options.generate},
                        {"pairs", result.pairs},
                        {"skipped", result.skipped},
                        {"data", options.data},
                        {"model", options.model},
                        {"precision", options.precision},
                        {"version", version()}};
    print(facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  print(
      fmt::format("answers     recall@1 {:.4f}, recall@10 {:.4f}, MRR {:.4f} of {} candidates\n"
                  "replies     {}: {}\n"
                  "            ROUGE-1 {:.4f}, ROUGE-2 {:.4f}, ROUGE-L {:.4f}\n"
                  "pairs       {}{}\n",
                  result.search.recall_1, result.search.recall_10, result.search.mean_reciprocal_rank,
                  result.search.candidates, options.generate ? "generated" : "retrieved", result.bleu.text(),
                  result.rouge.rouge_1.f1, result.rouge.rouge_2.f1, result.rouge.rouge_l.f1, result.pairs,
                  result.skipped > 0 ? fmt::format("; {} bad records skipped", result.skipped) : ""));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure answers that are found, and replies");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  add_measured_pairs(verb, options);
  verb->add_option("--candidates", options->candidates,
                   "Answers that each question chooses from: those of neighbouring pairs, its own among them")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(2, 1 << 24));
  verb->add_flag("--generate", options->generate, "Measure what the generator writes");
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  add_machine_options(verb, options);
  verb->footer(
      "Recall@k and MRR of the answer among candidates; BLEU (as sacreBLEU) and ROUGE of the replies, which "
      "come from\nthe answers the agent was trained with.\n\n"
      "Example:\n"
      "  attend eval agent --data test.tsv");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::converse

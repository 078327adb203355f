#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/base/version.h"
#include "attend/task/text_search.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/pair_options.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::search {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions, PairOptions {
  std::int64_t candidates = 1000;
  bool json = false;
};

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::TextSearch model(options.model, options.precision);
  const task::SearchEvaluation result = model.evaluate(files_of(options.data, options), options.candidates);
  const task::SearchScores& scores = result.scores;
  if (options.json) {
    const Json facts = {{"task", "search"},
                        {"recall@1", scores.recall_1},
                        {"recall@10", scores.recall_10},
                        {"mrr", scores.mean_reciprocal_rank},
                        {"ndcg@10", scores.ndcg_10},
                        {"queries", scores.queries},
                        {"candidates", scores.candidates},
                        {"cut", result.cut},
                        {"skipped", result.skipped},
                        {"data", options.data},
                        {"model", options.model},
                        {"precision", options.precision},
                        {"version", version()}};
    print(facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  print(fmt::format(
      "recall@1    {:.4f}\nrecall@10   {:.4f}\nMRR         {:.4f}\nnDCG@10     {:.4f}\n"
      "queries     {}, each with {} candidates{}{}\n",
      scores.recall_1, scores.recall_10, scores.mean_reciprocal_rank, scores.ndcg_10, scores.queries,
      scores.candidates,
      result.cut > 0 ? fmt::format("; {} texts are longer than the context and cut", result.cut) : "",
      result.skipped > 0 ? fmt::format("; {} bad records skipped", result.skipped) : ""));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure how well queries find their texts");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  add_measured_pairs(verb, options);
  verb->add_option("--candidates", options->candidates,
                   "Texts that each query chooses from: those of neighbouring pairs, its own among them")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(2, 1 << 24));
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  add_machine_options(verb, options);
  verb->footer(
      "Recall@k: the share of queries whose text is among the first k. MRR: the mean of 1 / its place. "
      "nDCG@10\ndiscounts by the logarithm of the place.\n\n"
      "Example:\n"
      "  attend eval model --data test.tsv --candidates 1000");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::search

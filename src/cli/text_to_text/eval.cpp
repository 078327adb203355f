#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/base/version.h"
#include "attend/metric/bleu.h"
#include "attend/metric/chrf.h"
#include "attend/metric/rouge.h"
#include "attend/task/text_to_text_model.h"
#include "cli/output.h"
#include "cli/pair_options.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/text_to_text/write_options.h"
#include "cli/use_options.h"

namespace attend::cli::text_to_text {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions, PairOptions {
  std::string task;
  bool json = false;
  task::WriteOptions write;
};

struct Outcome {
  std::vector<std::string> sources, references, hypotheses;
  std::int64_t skipped = 0;
  double loss = 0, seconds = 0;
};

Outcome measure(const EvalOptions& options) {
  const task::TextToText model(options.model, options.precision);
  Outcome outcome;
  const task::TextPairs pairs = task::read_pairs(files_of(options.data, options));
  outcome.sources = pairs.sources;
  outcome.references = pairs.targets;
  outcome.skipped = pairs.skipped;
  outcome.loss = model.loss(outcome.sources, outcome.references);
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& hypotheses : model.write(outcome.sources, options.write))
    outcome.hypotheses.push_back(hypotheses.front().text);
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

Json rouge_json(const metric::RougeScore& score) {
  return {{"rouge1", score.rouge_1.f1},
          {"rouge2", score.rouge_2.f1},
          {"rougeL", score.rouge_l.f1},
          {"rougeLsum", score.rouge_lsum.f1}};
}

std::string rouge_text(const char* name, const metric::RougeScore& score) {
  return fmt::format("{:<12}{:.4f}  {:.4f}  {:.4f}\n", name, score.rouge_1.f1, score.rouge_2.f1,
                     score.rouge_l.f1);
}

/// The metrics of the task: for people in the second, for programs in the first.
std::pair<Json, std::string> metrics_of(const std::string& task, const Outcome& outcome) {
  const metric::References references = metric::single_references(outcome.references);
  if (task == "translate") {
    const metric::BleuScore bleu = metric::corpus_bleu(outcome.hypotheses, references);
    const metric::ChrfScore chrf = metric::corpus_chrf(outcome.hypotheses, references);
    return {{{"bleu", bleu.score},
             {"bleu_signature", bleu.signature},
             {"chrf", chrf.score},
             {"chrf_signature", chrf.signature}},
            bleu.text() + "\n" + chrf.text() + "\n"};
  }
  const metric::RougeScore rouge = metric::mean_rouge(outcome.hypotheses, outcome.references);
  std::vector<std::string> leads;
  for (const std::string& source : outcome.sources) leads.push_back(task::lead_of(source));
  const metric::RougeScore lead = metric::mean_rouge(leads, outcome.references);
  return {{{"rouge", rouge_json(rouge)}, {"lead_baseline", rouge_json(lead)}},
          "            ROUGE-1 ROUGE-2 ROUGE-L (F1, no stemming)\n" + rouge_text("model", rouge) +
              rouge_text("lead", lead)};
}

int evaluate(const EvalOptions& options) {
  use_threads(options);
  task::validate(options.write);
  const Outcome outcome = measure(options);
  const auto [facts, text] = metrics_of(options.task, outcome);
  const auto count = static_cast<double>(outcome.sources.size());
  if (options.json) {
    Json all = {{"task", options.task}};
    all.update(facts);
    all.update(Json{{"loss", outcome.loss},
                    {"perplexity", std::exp(outcome.loss)},
                    {"pairs", outcome.sources.size()},
                    {"skipped", outcome.skipped},
                    {"sentences_per_second", count / outcome.seconds},
                    {"beam", options.write.beam},
                    {"length_penalty", options.write.length_penalty},
                    {"coverage_penalty", options.write.coverage_penalty},
                    {"no_repeat", options.write.no_repeat},
                    {"data", options.data},
                    {"model", options.model},
                    {"precision", options.precision},
                    {"version", version()}});
    print(all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  print(text + fmt::format("loss        {:.4f} nats a token, perplexity {:.3f}\n"
                           "pairs       {}{}, {:.1f} sentences/s, beam {}\n",
                           outcome.loss, std::exp(outcome.loss), outcome.sources.size(),
                           outcome.skipped > 0 ? fmt::format(" ({} bad ones skipped)", outcome.skipped) : "",
                           count / outcome.seconds, options.write.beam));
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  const bool translates = std::string_view(task) == "translate";
  CLI::App* verb =
      parent.add_subcommand(task, translates ? "Measure translations: BLEU (as sacreBLEU), chrF, loss"
                                             : "Measure summaries: ROUGE (as rouge-score), loss, and the "
                                               "first sentence as the baseline");
  auto options = std::make_shared<EvalOptions>();
  options->task = task;
  add_model_argument(verb, options);
  add_measured_pairs(verb, options);
  add_write_options(verb, options->write);
  add_machine_options(verb, options);
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  verb->footer(
      "Examples:\n"
      "  attend eval model --data test.tsv\n"
      "  attend eval model --data test.en test.de --beam 5 --json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::text_to_text

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "attend/base/version.h"
#include "attend/task/text_answerer.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::answer {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions : UseOptions {
  std::string data;
  std::vector<std::string> columns;
  std::optional<double> no_answer;
  bool skip_bad = false, json = false;
};

Json group_json(const metric::AnswerScore::Group& group) {
  return {{"exact", group.exact}, {"f1", group.f1}, {"questions", group.questions}};
}

std::string group_text(const char* name, const metric::AnswerScore::Group& group) {
  return fmt::format("{:<16}{:>7.2f} {:>7.2f}  {}\n", name, group.exact, group.f1, group.questions);
}

int evaluate(const EvalOptions& options) {
  use_threads(options);
  const task::TextAnswerer model(options.model, options.precision);
  const task::AnswerEvaluation result = model.evaluate(
      {.path = options.data, .columns = options.columns, .skip_bad = options.skip_bad}, options.no_answer);
  const metric::AnswerScore& score = result.score;
  if (options.json) {
    const Json facts = {{"task", "answer"},
                        {"exact", score.all.exact},
                        {"f1", score.all.f1},
                        {"with_answer", group_json(score.with_answer)},
                        {"without_answer", group_json(score.without_answer)},
                        {"no_answer", result.no_answer ? Json(*result.no_answer) : Json(nullptr)},
                        {"loss", result.loss},
                        {"questions", result.questions},
                        {"windows", result.windows},
                        {"skipped", result.skipped},
                        {"data", options.data},
                        {"model", options.model},
                        {"precision", options.precision},
                        {"version", version()}};
    print(facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  std::string text =
      "                  exact      F1  questions (rules of SQuAD)\n" + group_text("all", score.all);
  if (score.without_answer.questions > 0)
    text += group_text("with answer", score.with_answer) + group_text("without answer", score.without_answer);
  text += fmt::format("loss            {:.4f} nats over {} windows{}{}\n", result.loss, result.windows,
                      result.no_answer ? fmt::format("; no answer above {:.4f}", *result.no_answer) : "",
                      result.skipped > 0 ? fmt::format("; {} bad records skipped", result.skipped) : "");
  print(text);
  return kSuccess;
}

}  // namespace

void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Measure answers: exact match and F1, by the rules of SQuAD");
  auto options = std::make_shared<EvalOptions>();
  add_model_argument(verb, options);
  verb->add_option("--data", options->data,
                   "Questions: SQuAD's JSON (*.json), or a table of question, text and answer")
      ->option_text("FILE (required)")
      ->required()
      ->check(path());
  verb->add_option("--columns", options->columns,
                   "Names of the columns of question, text and answer (default: a table without header)")
      ->option_text("QUESTION TEXT ANSWER [START]")
      ->expected(3, 4);
  verb->add_option("--no-answer", options->no_answer,
                   "Give no answer when that beats the best span by more than this (default: what training "
                   "chose)")
      ->option_text("X")
      ->check(number(-1e9, 1e9));
  verb->add_flag("--skip-bad", options->skip_bad, "Count bad records and leave them out");
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  add_machine_options(verb, options);
  verb->footer("Example:\n  attend eval model --data dev.json");
  verbs.push_back({verb, [options] { return evaluate(*options); }});
}

}  // namespace attend::cli::answer

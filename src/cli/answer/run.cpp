#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "attend/data/text.h"
#include "attend/task/text_answerer.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/texts.h"
#include "cli/use_options.h"

namespace attend::cli::answer {

namespace {

struct RunOptions : UseOptions {
  std::string context, file;
  std::vector<std::string> questions;
  std::optional<double> no_answer;
  bool json = false;
};

void answer(const task::TextAnswerer& model, const std::string& context, const std::string& question,
            const RunOptions& options) {
  const task::Question asked{.context = context, .question = question};
  const task::TextAnswer answer = model.answer(std::span(&asked, 1))[0];
  const bool counts = model.counts(answer, options.no_answer);
  if (options.json) {
    const nlohmann::ordered_json object = {{"question", question},
                                           {"answer", counts ? answer.text : ""},
                                           {"best_span", answer.text},
                                           {"begin", answer.begin},
                                           {"end", answer.end},
                                           {"score", answer.score},
                                           {"probability", answer.probability}};
    print(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return;
  }
  std::string text = answer.text;
  for (char& c : text)
    if (c == '\n' || c == '\t' || c == '\r') c = ' ';
  print(fmt::format("{}\tbytes {}-{}\tscore {:.4f}\tprobability {:.4f}\n", counts ? text : "(no answer)",
                    answer.begin, answer.end, answer.score, answer.probability));
}

int run(const RunOptions& options) {
  use_threads(options);
  const task::TextAnswerer model(options.model, options.precision);
  const std::string context = data::read_text(options.context);
  const std::unique_ptr<Texts> questions = texts_of(options.questions, options.file, {});
  while (const auto question = questions->next()) answer(model, context, *question, options);
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Find the part of a text that answers a question");
  auto options = std::make_shared<RunOptions>();
  add_model_argument(verb, options);
  verb->add_option("--context", options->context, "The text to search: a file, or a folder of them")
      ->option_text("PATH (required)")
      ->required()
      ->check(path());
  CLI::Option* questions =
      verb->add_option("--question", options->questions,
                       "What is asked; may be given several times (default: lines of standard input)")
          ->option_text("TEXT")
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--file", options->file, "A file with a question in each line")
      ->option_text("FILE")
      ->excludes(questions)
      ->check(path());
  verb->add_option("--no-answer", options->no_answer,
                   "Give no answer when that beats the best span by more than this (default: what training "
                   "chose)")
      ->option_text("X")
      ->check(number(-1e9, 1e9));
  verb->add_flag("--json", options->json, "Print a JSON object for each question");
  add_machine_options(verb, options);
  verb->footer(
      "A line for each question: the answer, its place in the text, its score (above 0: rather an answer "
      "than "
      "none)\nand its probability in the window that it stands in.\n\n"
      "Examples:\n"
      "  attend run model --context manual.txt --question \"Which error means that the disk is full?\"\n"
      "  attend run model --context manual.txt --json < questions.txt");
  verbs.push_back({verb, [options] { return run(*options); }});
}

}  // namespace attend::cli::answer

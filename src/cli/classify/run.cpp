#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/task/alert.h"
#include "attend/task/text_classifier.h"
#include "cli/checks.h"
#include "cli/classify/texts.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::classify {

namespace {

struct RunOptions : UseOptions {
  std::string file;
  std::vector<std::string> texts, alerts;
  bool follow = false, skip_bad = false, json = false;
};

using Json = nlohmann::ordered_json;

std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// The answers to texts, as they are printed.
class Answers {
 public:
  Answers(const task::TextClassifier& model, const RunOptions& options) : model_(model), options_(options) {
    std::vector<std::string> columns;
    for (const data::LabelSet& column : model.columns()) columns.push_back(column.column());
    for (const std::string& text : options.alerts) add_alert(task::parse_alert(text, columns));
  }

  void print_all(const std::vector<std::string>& texts) {
    const auto answers = model_.classify(texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ++count_;
      print(options_.json ? json_of(texts[i], answers[i]) : line_of(texts[i], answers[i]));
      for (Watched& watched : alerts_)
        report(watched, watched.window.push(answers[i][watched.column].label == watched.label));
    }
  }

 private:
  struct Watched {
    std::size_t column;
    std::int64_t label;
    task::AlertWindow window;
  };

  void add_alert(const task::AlertRule& rule) {
    for (std::size_t c = 0; c < model_.columns().size(); ++c) {
      const data::LabelSet& column = model_.columns()[c];
      if (column.column() != rule.column) continue;
      const auto label = column.find(rule.label);
      if (!label) throw Error("--alert: " + column.unknown(rule.label));
      alerts_.push_back({c, *label, task::AlertWindow(rule)});
    }
  }

  const std::string& label_of(std::size_t column, const task::ClassAnswer& answer) const {
    return model_.columns()[column].names()[static_cast<std::size_t>(answer.label)];
  }

  std::string line_of(const std::string& text, const std::vector<task::ClassAnswer>& answers) const {
    std::string line;
    for (std::size_t c = 0; c < answers.size(); ++c)
      line += fmt::format("{}\t{:.4f}\t", label_of(c, answers[c]), answers[c].probability());
    line += text;
    std::ranges::replace(line, '\n', ' ');
    return line + "\n";
  }

  std::string json_of(const std::string& text, const std::vector<task::ClassAnswer>& answers) const {
    Json object = {{"text", text}, {"answers", Json::array()}};
    for (std::size_t c = 0; c < answers.size(); ++c) {
      Json all = Json::object();
      for (std::size_t i = 0; i < answers[c].probabilities.size(); ++i)
        all[model_.columns()[c].names()[i]] = answers[c].probabilities[i];
      object["answers"].push_back({{"column", model_.columns()[c].column()},
                                   {"label", label_of(c, answers[c])},
                                   {"probability", answers[c].probability()},
                                   {"probabilities", all}});
    }
    return json_line(object);
  }

  void report(const Watched& watched, task::AlertChange change) const {
    if (change == task::AlertChange::none) return;
    const bool raised = change == task::AlertChange::raised;
    const task::AlertRule& rule = watched.window.rule();
    if (options_.json) {
      print(json_line({{"alert", raised ? "raised" : "ended"},
                       {"column", rule.column},
                       {"label", rule.label},
                       {"share", watched.window.share()},
                       {"rate", rule.rate},
                       {"window", rule.window},
                       {"texts", count_}}));
      return;
    }
    print(fmt::format("{} {}={}: {:.1f} % of the last {} texts, the limit is {:.1f} %, after {} texts\n",
                      raised ? "ALERT" : "alert ended", rule.column, rule.label, 100 * watched.window.share(),
                      rule.window, 100 * rule.rate, count_));
  }

  const task::TextClassifier& model_;
  const RunOptions& options_;
  std::vector<Watched> alerts_;
  std::int64_t count_ = 0;
};

int run_texts(const RunOptions& options) {
  use_threads(options);
  const task::TextClassifier model(options.model, options.precision);
  Answers answers(model, options);
  const std::unique_ptr<Texts> texts =
      texts_of(options.texts, options.file, reading(options.skip_bad), model.config());
  // A stream is answered as it comes.
  const std::size_t at_once = options.follow ? 1 : 256;
  std::vector<std::string> batch;
  while (auto text = texts->next()) {
    batch.push_back(std::move(*text));
    if (batch.size() < at_once) continue;
    answers.print_all(batch);
    batch.clear();
  }
  answers.print_all(batch);
  print_skipped(texts->skipped());
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Tell the labels of texts");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  CLI::Option* texts = verb->add_option("text", options->texts, "Texts (default: lines of standard input)")
                           ->option_text("[TEXT...]");
  verb->add_option("--file", options->file,
                   "A file whose lines are texts, or a table or JSON Lines like the one it was trained on")
      ->option_text("FILE")
      ->excludes(texts)
      ->check(path());
  verb->add_flag("--json", options->json, "Print a JSON object for each text, with all probabilities");
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip empty and bad lines");
  verb->add_flag("--follow", options->follow, "Answer each line of a stream as it comes");
  verb->add_option(
          "--alert", options->alerts,
          "Tell when a label has more than this share of the latest texts (may be given several times)")
      ->option_text("'COLUMN=LABEL rate>X window=N'")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_machine_options(verb, options);
  verb->footer(
      "A line for each text: the label and its probability for each column, then the text.\n\n"
      "Examples:\n"
      "  attend run model \"a stirring and funny film\" --json\n"
      "  attend run model --file posts.csv\n"
      "  tail -f posts.txt | attend run model --follow --alert 'sentiment=negative rate>0.3 window=200'");
  verbs.push_back({verb, [options] { return run_texts(*options); }});
}

}  // namespace attend::cli::classify

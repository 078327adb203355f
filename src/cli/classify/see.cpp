#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/task/text_classifier.h"
#include "cli/program.h"
#include "cli/show_words.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"
#include "io/printable.h"

namespace attend::cli::classify {

namespace {

struct SeeOptions : UseOptions {
  std::string text, column, out;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_words_out(options.out);
  const task::TextClassifier model(options.model, options.precision);
  std::int64_t question = options.column.empty() ? 0 : -1;
  std::vector<std::string> names;
  for (const data::LabelSet& column : model.columns()) {
    if (column.column() == options.column) question = static_cast<std::int64_t>(names.size());
    names.push_back(io::printable(column.column()));
  }
  if (question < 0)
    throw Error(
        fmt::format("--column {}: this model has {}", io::printable(options.column), fmt::join(names, ", ")));
  show_words(model.see(options.text, question), options.out);
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show which words decided");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("text", options->text, "The text to read")->option_text("TEXT (required)")->required();
  verb->add_option("--column", options->column, "The column whose label is explained (default: the first)")
      ->option_text("NAME");
  add_words_out(verb, options->out);
  add_machine_options(verb, options);
  verb->footer(
      "Three measures for each word: its part in the pooled vector (pooling attention), the gradient of the "
      "label's\nscore times the word, and how much less likely the label is when the word is hidden.\n\n"
      "Examples:\n"
      "  attend see model \"a stirring and funny film\"\n"
      "  attend see model \"a stirring and funny film\" --column mood --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::classify

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/explain/terminal.h"
#include "attend/io/file.h"
#include "attend/task/text_classifier.h"
#include "cli/checks.h"
#include "cli/classify/verbs.h"
#include "cli/output.h"
#include "cli/program.h"
#include "io/printable.h"

namespace attend::cli {

namespace {

struct SeeOptions {
  std::string model, text, column, out, precision = "f32";
  std::int64_t threads = 0;
};

int see(const SeeOptions& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
  const bool html = options.out.ends_with(".html"), json = options.out.ends_with(".json");
  if (!options.out.empty() && !html && !json)
    throw Error(fmt::format(
        "--out {}: a name that ends in .html or .json is accepted for the words that decided", options.out));
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
  const explain::WordScores scores = model.see(options.text, question);
  if (options.out.empty()) {
    print(explain::to_terminal(
        scores,
        explain::terminal_options(stdout_is_terminal(), std::max(40, terminal_columns(STDOUT_FILENO)))));
    return kSuccess;
  }
  io::write_file_atomically(options.out, html ? explain::to_html(scores) : explain::to_json(scores));
  print(options.out + "\n");
  return kSuccess;
}

}  // namespace

void add_see_classify(CLI::App& see_verb, std::vector<Verb>& verbs) {
  CLI::App* verb = see_verb.add_subcommand("classify", "Show which words decided");
  auto options = std::make_shared<SeeOptions>();
  verb->add_option("model", options->model, "The model folder")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("text", options->text, "The text to read")->option_text("TEXT (required)")->required();
  verb->add_option("--column", options->column, "The column whose label is explained (default: the first)")
      ->option_text("NAME");
  verb->add_option("--out", options->out, "A page or the numbers; without it, the terminal")
      ->option_text("FILE.html|.json")
      ->check(path());
  verb->add_option("--precision", options->precision, "f32, bf16, or auto: bf16 where the processor has it")
      ->type_name("P")
      ->capture_default_str()
      ->check(one_of({"f32", "bf16", "auto"}));
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->check(whole_number(1, 1024));
  verb->footer(
      "Three measures for each word: its part in the pooled vector (pooling attention), the gradient of the "
      "label's\nscore times the word, and how much less likely the label is when the word is hidden.\n\n"
      "Examples:\n"
      "  attend see model \"a stirring and funny film\"\n"
      "  attend see model \"a stirring and funny film\" --column mood --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli

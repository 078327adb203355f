#include "cli/show_classes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "attend/base/error.h"
#include "attend/base/version.h"
#include "attend/explain/terminal.h"
#include "attend/io/file.h"
#include "cli/checks.h"
#include "cli/output.h"

namespace attend::cli {

using Json = nlohmann::ordered_json;

void add_class_output(CLI::App* verb, const std::shared_ptr<ClassEvalOptions>& options) {
  verb->add_flag("--json", options->json, "Print JSON, with everything that the numbers depend on");
  verb->add_option("--out", options->out, "A page with the tables and confusion matrices as well")
      ->option_text("FILE.html")
      ->check(path());
}

void check_class_output(const ClassEvalOptions& options) {
  if (!options.out.empty() && !options.out.ends_with(".html"))
    throw Error(fmt::format("--out {}: a name that ends in .html is accepted", options.out));
}

void show_classes(const std::string& task, const task::ClassifyEvaluation& evaluation,
                  const ClassEvalOptions& options) {
  if (!options.out.empty())
    io::write_file_atomically(options.out, task::to_html(evaluation, options.model + " on " + options.data));
  if (!options.json) {
    print(task::to_terminal(
        evaluation,
        explain::terminal_options(stdout_is_terminal(), std::max(40, terminal_columns(STDOUT_FILENO)))));
    return;
  }
  Json facts = {{"task", task}};
  facts.update(Json::parse(task::to_json(evaluation)));
  facts.update(Json{{"data", options.data},
                    {"model", options.model},
                    {"precision", options.precision},
                    {"version", version()}});
  print(facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace attend::cli

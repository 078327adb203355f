#include <CLI/CLI.hpp>

#include "cli/answer/verbs.h"
#include "cli/classify/verbs.h"
#include "cli/converse/verbs.h"
#include "cli/generate/verbs.h"
#include "cli/pretrain/verbs.h"
#include "cli/search/verbs.h"
#include "cli/tag/verbs.h"
#include "cli/text_to_text/verbs.h"
#include "cli/verbs.h"

namespace attend::cli {

void add_train(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb = program.add_subcommand("train", "Learn a task from data");
  verb->require_subcommand(1);
  verb->footer(
      "Example:\n  attend train generate --data book.txt --out model\n\n'attend tasks' tells more about "
      "each.");
  generate::add_train(*verb, verbs);
  classify::add_train(*verb, verbs);
  for (const char* task : {"translate", "summarize"}) text_to_text::add_train(*verb, task, verbs);
  tag::add_train(*verb, verbs);
  search::add_train(*verb, verbs);
  answer::add_train(*verb, verbs);
  converse::add_train(*verb, verbs);
  pretrain::add_train(*verb, verbs);
}

}  // namespace attend::cli

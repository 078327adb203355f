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
  add_train_generate(*verb, verbs);
  add_train_classify(*verb, verbs);
  for (const char* task : {"translate", "summarize"}) add_train_text_to_text(*verb, task, verbs);
  add_train_tag(*verb, verbs);
  add_train_search(*verb, verbs);
  add_train_answer(*verb, verbs);
  add_train_converse(*verb, verbs);
  add_train_pretrain(*verb, verbs);
}

}  // namespace attend::cli

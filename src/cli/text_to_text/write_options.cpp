#include "cli/text_to_text/write_options.h"

#include "cli/checks.h"

namespace attend::cli::text_to_text {

void add_write_options(CLI::App* verb, task::WriteOptions& options) {
  const auto add = [&](const char* name, auto& value, const char* type, const CLI::Validator& check,
                       const char* description) {
    verb->add_option(name, value, description)
        ->type_name(type)
        ->capture_default_str()
        ->group(kWritingGroup)
        ->check(check);
  };
  add("--beam", options.beam, "N", whole_number(1, 1024), "Hypotheses followed at once (1: greedy)");
  add("--length-penalty", options.length_penalty, "X", number(0, 10),
      "0: short texts are favoured; larger: longer ones");
  add("--coverage-penalty", options.coverage_penalty, "X", number(0, 10),
      "Against leaving words of the source out");
  add("--no-repeat", options.no_repeat, "N", whole_number(0, 1024),
      "No N tokens in a row come twice (0: they may)");
  add("--longest", options.longest, "X", number(0, 1e6), "Most tokens for each token read, with 20 more");
  add("--batch", options.batch, "N", whole_number(1, 1 << 16), "Texts at once");
}

}  // namespace attend::cli::text_to_text

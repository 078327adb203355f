#include "cli/pair_options.h"

#include "cli/checks.h"
#include "cli/training_options.h"

namespace attend::cli {

namespace {

constexpr const char* kColumns =
    "Names of the columns of sources and targets (default: a table without header)";
constexpr const char* kSkipBad = "Count bad records and leave them out";

}  // namespace

void add_pair_options(CLI::App* verb, const std::shared_ptr<PairOptions>& options) {
  verb->add_option(
          "--data", options->data,
          "A table of pairs (.tsv, .tab, .csv), or a file of sources and one of targets, line by line")
      ->option_text("FILE [FILE]")
      ->expected(1, 2)
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--valid", options->valid,
                   "Held-out pairs, in the same form (default: the last 10 % of --data, at most 2000)")
      ->option_text("FILE [FILE]")
      ->expected(1, 2)
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--columns", options->columns, kColumns)
      ->option_text("SOURCE TARGET")
      ->expected(2)
      ->group(kFilesGroup);
  verb->add_flag("--skip-bad", options->skip_bad, kSkipBad)->group(kFilesGroup);
}

void add_measured_pairs(CLI::App* verb, const std::shared_ptr<PairOptions>& options) {
  verb->add_option("--data", options->data,
                   "A table of pairs (.tsv, .tab, .csv), or a file of sources and one of targets")
      ->option_text("FILE [FILE] (required)")
      ->required()
      ->expected(1, 2)
      ->check(path());
  verb->add_option("--columns", options->columns, kColumns)->option_text("SOURCE TARGET")->expected(2);
  verb->add_flag("--skip-bad", options->skip_bad, kSkipBad);
}

task::PairFiles files_of(const std::vector<std::string>& paths, const PairOptions& options) {
  return {.paths = {paths.begin(), paths.end()}, .columns = options.columns, .skip_bad = options.skip_bad};
}

}  // namespace attend::cli

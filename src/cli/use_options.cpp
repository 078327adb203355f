#include "cli/use_options.h"

#include "attend/base/parallel.h"
#include "cli/checks.h"

namespace attend::cli {

void add_model_argument(CLI::App* verb, const std::shared_ptr<UseOptions>& options) {
  verb->add_option("model", options->model, "The model folder")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
}

void add_machine_options(CLI::App* verb, const std::shared_ptr<UseOptions>& options) {
  verb->add_option("--precision", options->precision, "f32, bf16, or auto: bf16 where the processor has it")
      ->type_name("P")
      ->capture_default_str()
      ->check(one_of({"f32", "bf16", "auto"}));
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->check(whole_number(1, 1024));
}

void use_threads(const UseOptions& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
}

}  // namespace attend::cli

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "attend/backend/processor.h"
#include "attend/base/parallel.h"
#include "cli/bench/record.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace attend::cli {

namespace {

struct BenchOptions {
  std::vector<std::string> what;
  std::string precision = "both";
  double seconds = 2;
  int threads = 0;
  bool json = false;
};

int run(const BenchOptions& options) {
  if (options.threads != 0) set_threads(options.threads);
  bench::Options settings;
  settings.seconds = options.seconds;
  if (options.precision != "both") settings.dtypes = {dtype_from_name(options.precision)};
  const bench::Report report = [&](const bench::Record& record) {
    print((options.json ? bench::to_json(record) : bench::to_text(record)) + "\n");
  };
  if (!options.json) {
    const Processor machine = processor();
    print(machine.name + ", kernels " + machine.kernels + ", oneDNN " + machine.onednn + ", threads " +
          std::to_string(machine.threads) + "\n\n" + bench::heading() + "\n");
  }
  // Linux counts the memory of the parent, too, until a child has started its own program: so before anything
  // large.
  if (std::ranges::find(options.what, "startup") != options.what.end())
    bench::bench_startup(settings, report);
  for (const std::string& what : options.what) {
    if (what == "gemm") bench::bench_gemm(settings, report);
    if (what == "attention") bench::bench_attention(settings, report);
    if (what == "train") bench::bench_train(settings, report);
    if (what == "decode") bench::bench_decode(settings, report);
  }
  return 0;
}

}  // namespace

void add_bench(CLI::App& program, std::vector<Verb>& verbs) {
  const auto options = std::make_shared<BenchOptions>();
  options->what = {"gemm", "train", "attention", "decode", "startup"};
  CLI::App* verb = program.add_subcommand("bench", "Measure speed as a fraction of what this machine can do");
  verb->add_option("WHAT", options->what, "What to measure; all when none is named")
      ->check(CLI::IsMember({"gemm", "train", "attention", "decode", "startup"}));
  verb->add_option("--precision", options->precision, "Element type of the computation")
      ->check(CLI::IsMember({"f32", "bf16", "both"}))
      ->capture_default_str();
  verb->add_option("--seconds", options->seconds, "Time to spend on each line; the best repeat counts")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Threads to use (default: all cores)")
      ->check(CLI::Range(1, 1024));
  verb->add_flag("--json", options->json, "One JSON object a line");
  verb->footer(
      "The limit is oneDNN's 2048 x 2048 x 2048 product in the same dtype, measured in the same run, and for "
      "decode\n"
      "the measured memory read bandwidth over the weights and cached keys and values that one token "
      "reads.\n\n"
      "Example: attend bench train --precision bf16 --json");
  verbs.push_back({verb, [options] { return run(*options); }});
}

}  // namespace attend::cli

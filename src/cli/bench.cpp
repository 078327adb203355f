#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "attend/attention/mechanism.h"
#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "cli/bench/attention_case.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace attend::cli {

namespace {

constexpr const char* kAttentionGroup = "Options of attention and observe";

struct BenchOptions {
  std::vector<std::string> what;
  std::string precision = "both";
  double seconds = 2;
  int threads = 0;
  bool json = false;
  bench::AttentionOptions attention;
};

// Throws Error for options of attention that cannot be followed, before anything is measured.
void check(const CLI::App& verb, const BenchOptions& options) {
  const auto measures = [&](const char* what) {
    return std::ranges::find(options.what, what) != options.what.end();
  };
  if (!measures("attention") && !measures("observe"))
    for (const CLI::Option* option : verb.get_options())
      if (option->get_group() == kAttentionGroup && option->count() > 0)
        throw Error(option->get_name() + " is for attend bench attention and attend bench observe");
  for (const std::string& name : options.attention.mechanisms)
    if (name != "all") attention::mechanism(name, options.attention.causal.value_or(false));
  bench::shapes_of(options.attention, {});
}

void add_attention_options(CLI::App& verb, bench::AttentionOptions& options) {
  const auto add = [&](const char* name, auto& value, const char* about) {
    return verb.add_option(name, value, about)->group(kAttentionGroup);
  };
  constexpr std::int64_t kLongest = std::int64_t{1} << 24, kMost = 1 << 16, kMostDim = 256;
  add("--mechanism", options.mechanisms,
      "Name of attend attention, or all; several with commas between (scaled_dot)")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->option_text("NAME");
  add("--length", options.length,
      "Queries and keys; with any of the sizes one shape, without several usual ones")
      ->check(whole_number(1, kLongest));
  add("--batch", options.batch, "Rows (1)")->check(whole_number(1, kMost));
  add("--heads", options.heads, "Query heads (8)")->check(whole_number(1, kMost));
  add("--key-heads", options.key_heads, "Key heads (as many as query heads)")->check(whole_number(1, kMost));
  add("--dim", options.dim, "Elements of a head (64)")->check(whole_number(1, kMostDim));
  constexpr double kMostDropout = 0.99;
  add("--dropout", options.dropout, "Of the weights; other changes of the mechanism follow")
      ->check(number(0, kMostDropout));
  add("--soft-cap", options.soft_cap, "c tanh(score / c)")->check(number(0));
  add("--window", options.window, "Keys nearer than this")->check(whole_number(0));
  verb.add_flag("--callable", options.callable, "A C++ function of the score, x + x^3 / 100")
      ->group(kAttentionGroup);
  const auto add_choice = [&](const char* name, std::optional<bool>& value, const char* about) {
    verb.add_flag_function(
            name, [&value](std::int64_t count) { value = count > 0; }, about)
        ->group(kAttentionGroup);
  };
  add_choice("--causal,!--no-causal", options.causal, "Causal only, or never (default: both)");
  add_choice("--composite,!--no-composite", options.composite,
             "Beside the definition in plain operations, or not (default: where it fits in memory)");
}

int run(const BenchOptions& options) {
  if (options.threads != 0) set_threads(options.threads);
  bench::Options settings;
  settings.seconds = options.seconds;
  settings.attention = options.attention;
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
    if (what == "image") bench::bench_image(settings, report);
    if (what == "attention") bench::bench_attention(settings, report);
    if (what == "observe") bench::bench_observe(settings, report);
    if (what == "train") bench::bench_train(settings, report);
    if (what == "decode") bench::bench_decode(settings, report);
    if (what == "translate") bench::bench_translate(settings, report);
  }
  return 0;
}

}  // namespace

void add_bench(CLI::App& program, std::vector<Verb>& verbs) {
  const auto options = std::make_shared<BenchOptions>();
  const std::vector<std::string> everything = {"gemm",    "train",  "image",     "attention",
                                               "observe", "decode", "translate", "startup"};
  options->what = everything;
  CLI::App* verb = program.add_subcommand("bench", "Measure speed as a fraction of what this machine can do");
  verb->add_option("WHAT", options->what, "What to measure; all when none is named")
      ->check(one_of(everything));
  verb->add_option("--precision", options->precision, "Element type of the computation")
      ->check(CLI::IsMember({"f32", "bf16", "both"}))
      ->capture_default_str();
  verb->add_option("--seconds", options->seconds, "Time to spend on each line; the best repeat counts")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Threads to use (default: all cores)")
      ->check(CLI::Range(1, 1024));
  verb->add_flag("--json", options->json, "One JSON object a line");
  add_attention_options(*verb, options->attention);
  verb->footer(
      "The limit is oneDNN's 2048 x 2048 x 2048 product in the same dtype, measured in the same run, and for "
      "decode\n"
      "the measured memory read bandwidth over the weights and cached keys and values that one token reads. "
      "Of\n"
      "attention only the pairs count that the mask allows. A mechanism other than scaled_dot stands beside "
      "that,\n"
      "measured in turn; observe compares the forward pass that counts statistics of the weights with the "
      "same pass\n"
      "without. translate writes with the base model of Vaswani et al. (2017) and random weights: 32 "
      "sentences at\n"
      "once beside the limit of products, one beside the bandwidth of the weights that each of its tokens "
      "reads. image trains a residual network and a vision transformer: the limit of the first is its own\n"
      "convolutions, forward and both gradients, and nothing else.\n\n"
      "Examples:\n"
      "  attend bench train --precision bf16 --json\n"
      "  attend bench attention --mechanism window --length 16384 --heads 8 --dim 128\n"
      "  attend bench attention --dropout 0.1 --length 4096 --no-composite\n"
      "  attend bench observe --length 8192 --causal");
  verbs.push_back({verb, [options, verb] {
                     check(*verb, *options);
                     return run(*options);
                   }});
}

}  // namespace attend::cli

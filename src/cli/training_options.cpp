#include "cli/training_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "attend/base/parallel.h"
#include "attend/train/progress.h"
#include "cli/checks.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/program.h"

namespace attend::cli {

namespace {

using task::TrainingOptions;
using Shared = std::shared_ptr<TrainingVerb>;

constexpr std::int64_t kMany = std::int64_t{1} << 40;

template <class T>
void add(CLI::App* verb, const Shared& shared, const char* name, const char* value, const char* group,
         const CLI::Validator& check, T TrainingOptions::*member, const char* description) {
  add_override<T>(
      verb, shared->given, name, value, group,
      check, [member](TrainingOptions & o) -> auto& { return o.*member; }, description);
}

void add_optimizer_options(CLI::App* verb, const Shared& shared, const char* batch) {
  const auto whole = [&](const char* name, std::int64_t TrainingOptions::*member, const char* description,
                         std::int64_t least, std::int64_t most) {
    add(verb, shared, name, "N", kTrainingGroup, whole_number(least, most), member, description);
  };
  const auto real = [&](const char* name, double TrainingOptions::*member, const char* description,
                        double least, double most) {
    add(verb, shared, name, "X", kTrainingGroup, number(least, most), member, description);
  };
  whole("--batch", &TrainingOptions::batch, batch, 1, 1 << 20);
  whole("--accumulate", &TrainingOptions::accumulate, "Batches for one update", 1, 1 << 20);
  whole("--steps", &TrainingOptions::steps,
        "Updates; without it but with --minutes, as many as the time allows", 1, kMany);
  real("--minutes", &TrainingOptions::minutes,
       "Time of training, that before --resume included; the learning rate follows it", 1e-3, 1e9);
  real("--lr", &TrainingOptions::learning_rate, "Learning rate after the warm-up", 1e-12, 1e3);
  real("--min-lr", &TrainingOptions::minimum_learning_rate, "Learning rate at the end", 0, 1e3);
  whole("--warmup", &TrainingOptions::warmup, "Updates of growing learning rate", 0, kMany);
  add(verb, shared, "--schedule", "NAME", kTrainingGroup,
      one_of({"cosine", "linear", "constant", "inverse-sqrt"}), &TrainingOptions::schedule,
      "After the warm-up: cosine, linear, constant, inverse-sqrt");
  real("--beta1", &TrainingOptions::beta1, "AdamW: memory of the gradient", 0, 0.999999999);
  real("--beta2", &TrainingOptions::beta2, "AdamW: memory of its square", 0, 0.999999999);
  real("--decay", &TrainingOptions::weight_decay, "AdamW: weight decay, not of norms and biases", 0, 1e3);
  real("--clip", &TrainingOptions::clip, "Largest norm of the gradient (0: no clipping)", 0, 1e12);
  real("--label-smoothing", &TrainingOptions::label_smoothing,
       "Part of each target spread over all possible ones", 0, 0.999);
  real("--ema", &TrainingOptions::ema_decay,
       "Decay of the moving average of the weights, which evaluations and the model take (0: none)", 0,
       0.999999999);
  add(verb, shared, "--seed", "N", kTrainingGroup, whole_number(0), &TrainingOptions::seed,
      "The same seed gives the same bits, with one thread or two");
}

std::string quoted_for_shell(const std::string& word) {
  if (!word.empty() && word.find_first_of(" \t\n'\"\\$`&|;<>()*?[]#~!{}") == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string command_line(const CLI::App& verb) {
  std::string line = "attend train " + verb.get_name();
  for (const CLI::Option* option : verb.get_options()) {
    if (option->count() == 0) continue;
    const std::string value = option->results().front();
    if (option->get_items_expected_max() == 0) {
      // The second name of a switch is the one that says no.
      line += " --" + (value == "false" ? option->get_lnames().back() : option->get_lnames().front());
      continue;
    }
    line += " " + option->get_name();
    for (const std::string& word : option->results()) line += " " + quoted_for_shell(word);
  }
  return line;
}

void print_results(const task::TrainingResults& results, const std::string& out) {
  std::string text = fmt::format("{}: {} updates in {:.1f} s", out, results.step, results.seconds);
  if (results.validation_loss)
    text += fmt::format(", validation loss {:.4f} at update {}", *results.validation_loss, results.best_step);
  print(text + "\n");
}

}  // namespace

void add_model_folder(CLI::App* verb, const Shared& shared) {
  verb->add_option("--out", shared->out, "The model folder to make")
      ->option_text("DIR (required)")
      ->required()
      ->group(kFilesGroup)
      ->check(path());
}

void add_training_options(CLI::App* verb, const Shared& shared, const char* batch) {
  add_optimizer_options(verb, shared, batch);
  const auto whole = [&](const char* name, std::int64_t TrainingOptions::*member, const char* description) {
    add(verb, shared, name, "N", kRunGroup, whole_number(0, kMany), member, description);
  };
  add(verb, shared, "--precision", "P", kRunGroup, one_of({"f32", "bf16", "auto"}),
      &TrainingOptions::precision,
      "Of the computation: f32, bf16, or auto, which times both (weights stay f32)");
  verb->add_option("--threads", shared->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->group(kRunGroup)
      ->check(whole_number(1, 1024));
  whole("--eval-every", &TrainingOptions::evaluate_every, "Updates between evaluations (0: at the end only)");
  whole("--save-every", &TrainingOptions::save_every,
        "Updates between checkpoints (0: at each new best and the end)");
  whole("--patience", &TrainingOptions::patience,
        "End after so many evaluations without a new best (0: never)");
  verb->add_flag_function(
          "--recompute",
          [given = shared->given](std::int64_t) {
            given->emplace_back([](TrainingOptions& o) { o.recompute = true; });
          },
          "Less memory for one forward pass more; the same bits")
      ->group(kRunGroup);
  verb->add_flag("--resume", shared->resume,
                 "Go on with the training in --out; options not given are as they were, a limit given "
                 "replaces the old ones")
      ->group(kRunGroup);
  verb->add_flag("--overwrite", shared->overwrite, "Replace the model in --out")->group(kRunGroup);
}

bool resumes(const TrainingVerb& shared) {
  return shared.resume && std::filesystem::exists(std::filesystem::path(shared.out) / "config.json");
}

void apply(const TrainingVerb& shared, const CLI::App& verb, TrainingOptions& options) {
  const bool steps = verb.count("--steps") > 0, minutes = verb.count("--minutes") > 0;
  if (minutes && !steps) options.steps = 0;
  if (steps && !minutes) options.minutes = 0;
  for (const auto& set : *shared.given) set(options);
}

int show_training(const CLI::App& verb, const TrainingVerb& shared,
                  const std::function<task::TrainingResults(const task::TrainingPlace&)>& train) {
  if (shared.threads > 0) set_threads(static_cast<int>(shared.threads));
  const InterruptFlag interrupt;
  train::Progress progress(std::cerr,
                           {.terminal = stderr_is_terminal(), .columns = terminal_columns(STDERR_FILENO)});
  const task::TrainingPlace place = {.out = shared.out,
                                     .resume = shared.resume,
                                     .overwrite = shared.overwrite,
                                     .command = command_line(verb),
                                     .observer = &progress,
                                     .stop = &interrupt.raised()};
  const task::TrainingResults results = train(place);
  progress.finish();
  print_results(results, shared.out);
  if (results.ended != "interrupted") return kSuccess;
  print_error(fmt::format("interrupted; '{}{}' goes on", place.command, shared.resume ? "" : " --resume"));
  return kInterrupted;
}

}  // namespace attend::cli

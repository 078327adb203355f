#include "cli/train_generate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/task/generate.h"
#include "attend/train/progress.h"
#include "cli/checks.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/program.h"

namespace attend::cli {

namespace {

using task::GenerateOptions;

constexpr std::int64_t kMany = std::int64_t{1} << 40;
constexpr const char* kModel = "Model";
constexpr const char* kTraining = "Training";
constexpr const char* kRun = "Evaluation, saving, running";

struct TrainOptions {
  std::string data, out, preset;
  std::int64_t threads = 0;
  bool resume = false, overwrite = false;
  /// What was given, to be laid over a preset or over what a resumed training began with.
  std::vector<std::function<void(GenerateOptions&)>> given;
};

using Shared = std::shared_ptr<TrainOptions>;

/// An option that overrides one value of a preset.
template <class T, class Field>
CLI::Option* add(CLI::App* verb, const Shared& options, const char* name, const char* value,
                 const char* group, const CLI::Validator& check, Field field,
                 const std::string& description) {
  return verb
      ->add_option_function<T>(
          name,
          [options, field](const T& given) {
            options->given.emplace_back([field, given](GenerateOptions& o) { field(o) = given; });
          },
          description)
      ->option_text(value)
      ->group(group)
      ->check(check);
}

/// A choice by its name in config.json.
template <class Member>
void add_choice(CLI::App* verb, const Shared& options, const char* name, const char* key,
                std::vector<std::string> words, Member member, const char* description) {
  verb->add_option_function<std::string>(
          name,
          [options, key, member](const std::string& given) {
            const nlohmann::json object = {{key, given}};
            const auto value = model::gpt_config_from_json(object.dump()).*member;
            options->given.emplace_back([member, value](GenerateOptions& o) { o.model.*member = value; });
          },
          fmt::format("{}: {}", description, fmt::join(words, ", ")))
      ->option_text("NAME")
      ->group(kModel)
      ->check(one_of(std::move(words)));
}

CLI::Validator causal_mechanism() {
  return CLI::Validator(
      [](const std::string& name) -> std::string {
        try {
          model::validate(model::GptConfig{.attention = name});
          return {};
        } catch (const Error& error) {
          return error.what();
        }
      },
      "");
}

void add_switch(CLI::App* verb, const Shared& options, const char* name, bool model::GptConfig::*member,
                const char* description) {
  verb->add_flag_function(
          name,
          [options, member](std::int64_t given) {
            options->given.emplace_back([member, given](GenerateOptions& o) { o.model.*member = given > 0; });
          },
          description)
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
      ->group(kModel);
}

void add_model_options(CLI::App* verb, const Shared& options) {
  const auto whole = [&](const char* name, std::int64_t model::GptConfig::*member, std::int64_t most,
                         const char* description, std::int64_t least = 1) {
    add<std::int64_t>(
        verb, options, name, "N", kModel,
        whole_number(least, most), [member](GenerateOptions & o) -> auto& { return o.model.*member; },
        description);
  };
  add<std::string>(
      verb, options, "--tokenizer", "KIND", kModel, one_of({"char", "byte", "bpe", "unigram"}),
      [](GenerateOptions & o) -> auto& { return o.tokenizer.kind; },
      "How text becomes tokens: char, byte, bpe, unigram");
  add<std::int64_t>(
      verb, options, "--vocab", "N", kModel, whole_number(320, 1000000),
      [](GenerateOptions & o) -> auto& { return o.tokenizer.vocabulary; },
      "Tokens of a bpe or unigram vocabulary");
  whole("--layers", &model::GptConfig::layers, 10000, "Transformer blocks");
  whole("--heads", &model::GptConfig::heads, 65536, "Attention heads; they divide --dim");
  whole("--key-heads", &model::GptConfig::key_heads, 65536,
        "Heads of keys and values; they divide --heads (0: all)", 0);
  whole("--dim", &model::GptConfig::dim, 1 << 20, "Features of a token");
  whole("--feed-forward", &model::GptConfig::feed_forward, 1 << 24,
        "Features inside a feed-forward layer (0: by --dim)", 0);
  whole("--context", &model::GptConfig::context, 1 << 24, "Most tokens the model sees at once");
  add<std::string>(
      verb, options, "--attention", "NAME", kModel, causal_mechanism(),
      [](GenerateOptions & o) -> auto& { return o.model.attention; },
      "What the heads do: scaled_dot, or another causal one of 'attend attention'");
  add_choice(verb, options, "--positions", "positions", {"learned", "sinusoidal", "rotary"},
             &model::GptConfig::positions, "Positions");
  add_choice(verb, options, "--norm", "norm", {"layer", "rms"}, &model::GptConfig::norm, "Norm");
  add_choice(verb, options, "--activation", "activation",
             {"gelu", "gelu_tanh", "relu", "silu", "swiglu", "geglu", "reglu"}, &model::GptConfig::activation,
             "Activation");
  add_switch(verb, options, "--tied,!--no-tied", &model::GptConfig::tied_embeddings,
             "One table for input and output embedding, or two");
  add_switch(verb, options, "--bias,!--no-bias", &model::GptConfig::bias,
             "Linear layers and layer norms with biases");
  add<double>(
      verb, options, "--dropout", "X", kModel, number(0, 0.999),
      [](GenerateOptions & o) -> auto& { return o.model.dropout; },
      "Part of the activations dropped in training");
}

void add_training_options(CLI::App* verb, const Shared& options) {
  const auto whole = [&](const char* name, std::int64_t GenerateOptions::*member, const char* description,
                         std::int64_t least, std::int64_t most, const char* group = kTraining) {
    return add<std::int64_t>(
        verb, options, name, "N", group,
        whole_number(least, most), [member](GenerateOptions & o) -> auto& { return o.*member; }, description);
  };
  const auto real = [&](const char* name, double GenerateOptions::*member, const char* description,
                        double least, double most) {
    return add<double>(
        verb, options, name, "X", kTraining,
        number(least, most), [member](GenerateOptions & o) -> auto& { return o.*member; }, description);
  };
  whole("--batch", &GenerateOptions::batch, "Windows of text at once", 1, 1 << 20);
  whole("--accumulate", &GenerateOptions::accumulate, "Batches for one update", 1, 1 << 20);
  whole("--steps", &GenerateOptions::steps,
        "Updates; without it but with --minutes, as many as the time allows", 1, kMany);
  real("--minutes", &GenerateOptions::minutes,
       "Time of training, that before --resume included; the learning rate follows it", 1e-3, 1e9);
  real("--lr", &GenerateOptions::learning_rate, "Learning rate after the warm-up", 1e-12, 1e3);
  real("--min-lr", &GenerateOptions::minimum_learning_rate, "Learning rate at the end", 0, 1e3);
  whole("--warmup", &GenerateOptions::warmup, "Updates of growing learning rate", 0, kMany);
  add<std::string>(
      verb, options, "--schedule", "NAME", kTraining,
      one_of({"cosine", "linear", "constant", "inverse-sqrt"}),
      [](GenerateOptions & o) -> auto& { return o.schedule; },
      "After the warm-up: cosine, linear, constant, inverse-sqrt");
  real("--beta1", &GenerateOptions::beta1, "AdamW: memory of the gradient", 0, 0.999999999);
  real("--beta2", &GenerateOptions::beta2, "AdamW: memory of its square", 0, 0.999999999);
  real("--decay", &GenerateOptions::weight_decay, "AdamW: weight decay, not of norms and biases", 0, 1e3);
  real("--clip", &GenerateOptions::clip, "Largest norm of the gradient (0: no clipping)", 0, 1e12);
  real("--label-smoothing", &GenerateOptions::label_smoothing, "Part of each target spread over all tokens",
       0, 0.999);
  add<std::uint64_t>(
      verb, options, "--seed", "N", kTraining, whole_number(0),
      [](GenerateOptions & o) -> auto& { return o.seed; },
      "The same seed gives the same bits, with one thread or two");
  add<std::string>(
      verb, options, "--precision", "P", kRun, one_of({"f32", "bf16", "auto"}),
      [](GenerateOptions & o) -> auto& { return o.precision; },
      "Of the computation: f32, bf16, or auto, which times both (weights stay f32)");
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->group(kRun)
      ->check(whole_number(1, 1024));
  whole("--eval-every", &GenerateOptions::evaluate_every, "Updates between evaluations (0: at the end only)",
        0, kMany, kRun);
  whole("--save-every", &GenerateOptions::save_every,
        "Updates between checkpoints (0: at each new best and the end)", 0, kMany, kRun);
  whole("--patience", &GenerateOptions::patience,
        "End after so many evaluations without a new best (0: never)", 0, kMany, kRun);
  verb->add_flag_function(
          "--recompute",
          [options](std::int64_t) {
            options->given.emplace_back([](GenerateOptions& o) { o.recompute = true; });
          },
          "Less memory for one forward pass more; the same bits")
      ->group(kRun);
  verb->add_flag("--resume", options->resume,
                 "Go on with the training in --out; options not given are as they were, a limit given "
                 "replaces the old ones")
      ->group(kRun);
  verb->add_flag("--overwrite", options->overwrite, "Replace the model in --out")->group(kRun);
}

std::string quoted_for_shell(const std::string& word) {
  if (!word.empty() && word.find_first_of(" \t\n'\"\\$`&|;<>()*?[]#~!{}") == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string command_line(CLI::App* verb) {
  std::string line = "attend train generate";
  for (const CLI::Option* option : verb->get_options()) {
    if (option->count() == 0) continue;
    const std::string value = option->results().front();
    if (option->get_items_expected_max() == 0) {
      // The second name of a switch is the one that says no.
      line += " --" + (value == "false" ? option->get_lnames().back() : option->get_lnames().front());
      continue;
    }
    line += " " + option->get_name() + " " + quoted_for_shell(value);
  }
  return line;
}

/// The options of this run: those of the preset, or those a resumed training began with, and over them what
/// was given. A limit that is given takes the place of both.
GenerateOptions resolve(const TrainOptions& options, bool steps_given, bool minutes_given) {
  GenerateOptions result = task::generate_preset(options.preset);
  if (options.resume && std::filesystem::exists(std::filesystem::path(options.out) / "config.json")) {
    const task::GenerateConfig begun = task::read_generate_config(options.out);
    if (begun.training) result = *begun.training;
  }
  if (minutes_given && !steps_given) result.steps = 0;
  if (steps_given && !minutes_given) result.minutes = 0;
  for (const auto& set : options.given) set(result);
  return result;
}

void print_results(const task::GenerateConfig& config, const std::string& out) {
  const task::GenerateResults& results = *config.results;
  std::string text = fmt::format("{}: {} updates in {:.1f} s", out, results.step, results.seconds);
  if (results.validation_loss)
    text += fmt::format(", validation loss {:.4f} at update {}", *results.validation_loss, results.best_step);
  print(text + "\n");
}

int train_generate(CLI::App* verb, const TrainOptions& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
  const InterruptFlag interrupt;
  train::Progress progress(std::cerr,
                           {.terminal = stderr_is_terminal(), .columns = terminal_columns(STDERR_FILENO)});
  task::GenerateJob job;
  job.data = options.data;
  job.out = options.out;
  job.options = resolve(options, verb->count("--steps") > 0, verb->count("--minutes") > 0);
  job.resume = options.resume;
  job.overwrite = options.overwrite;
  job.command = command_line(verb);
  job.observer = &progress;
  job.stop = &interrupt.raised();
  const task::GenerateConfig config = task::train_generate(job);
  progress.finish();
  print_results(config, options.out);
  if (config.results->ended != "interrupted") return kSuccess;
  print_error(fmt::format("interrupted; '{}{}' goes on", job.command, options.resume ? "" : " --resume"));
  return kInterrupted;
}

}  // namespace

void add_train_generate(CLI::App& train, std::vector<Verb>& verbs) {
  CLI::App* verb = train.add_subcommand("generate", "Learn to go on with a text (GPT decoder)");
  auto options = std::make_shared<TrainOptions>();
  options->preset = task::generate_presets().front().name;
  verb->add_option("--data", options->data, "A text file, or a folder of .txt, .text and .md files")
      ->option_text("FILE|DIR")
      ->group("Data and model folder")
      ->check(path());
  verb->add_option("--out", options->out, "The model folder to make")
      ->option_text("DIR (required)")
      ->required()
      ->group("Data and model folder")
      ->check(path());
  std::vector<std::string> names;
  std::string about;
  for (const task::GeneratePreset& preset : task::generate_presets()) {
    names.push_back(preset.name);
    about += fmt::format("\n  {:<11} {}", preset.name, preset.purpose);
  }
  verb->add_option("--preset", options->preset,
                   "Values of all options that are not given (default: " + names[0] + ")")
      ->option_text("NAME")
      ->group("Data and model folder")
      ->check(one_of(names));
  add_model_options(verb, options);
  add_training_options(verb, options);
  verb->footer("Presets:" + about +
               "\n\nThe last 10 % of the text are for validation; the weights with the lowest validation "
               "loss are kept.\n"
               "Ctrl-C saves and leaves with code 130.\n\n"
               "Examples:\n"
               "  attend train generate --data book.txt --out model --minutes 2\n"
               "  attend train generate --data book.txt --out model --resume --minutes 5\n"
               "  attend train generate --data texts/ --out words --tokenizer bpe --vocab 4096 --layers 6 "
               "--dim 256 --heads 8");
  verbs.push_back({verb, [verb, options] { return train_generate(verb, *options); }});
}

}  // namespace attend::cli

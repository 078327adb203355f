#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/io/image.h"
#include "attend/task/picture_generator.h"
#include "cli/checks.h"
#include "cli/image_generate/sampling_options.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"

namespace attend::cli::image_generate {

namespace {

namespace fs = std::filesystem;

struct RunOptions : SamplingOptions {
  std::string label = "all", out, singles;
  std::int64_t count = 8;
};

void write(const fs::path& path, const io::Image& image) {
  const std::vector<std::byte> png = io::encode_png(image);
  io::write_file_atomically(path, {reinterpret_cast<const char*>(png.data()), png.size()});
}

std::vector<std::int64_t> labels_of(const task::PictureGenerator& model, const std::string& name) {
  if (name != "all") return {label_of(model, name)};
  std::vector<std::int64_t> labels = {0};
  for (std::int64_t i = 1; model.is_conditional() && i < static_cast<std::int64_t>(model.classes().size());
       ++i)
    labels.push_back(i);
  return labels;
}

int run_model(const RunOptions& options) {
  use_threads(options);
  if (options.out.empty() && options.singles.empty())
    throw Error("--out FILE.png or --singles DIR is needed: where pictures are written");
  if (!options.out.empty() && !options.out.ends_with(".png"))
    throw Error(fmt::format("--out {}: a name that ends in .png is accepted", options.out));
  const task::PictureGenerator model(options.model, options.precision);
  const std::vector<std::int64_t> labels = labels_of(model, options.label);
  std::vector<io::Image> all;
  for (const std::int64_t label : labels) {
    const std::vector<io::Image> made = model.make(
        std::vector<std::int64_t>(static_cast<std::size_t>(options.count), label), sampling_of(options));
    all.insert(all.end(), made.begin(), made.end());
  }
  if (!options.singles.empty()) {
    fs::create_directories(options.singles);
    // Classes by their numbers: a name may be no name of a file.
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::int64_t number = static_cast<std::int64_t>(i) % options.count,
                         label = labels[i / static_cast<std::size_t>(options.count)];
      write(fs::path(options.singles) / fmt::format("{}-{}.png", label, number), all[i]);
    }
    print(options.singles + "\n");
  }
  if (!options.out.empty()) {
    write(options.out, task::grid_of(all, options.count));
    print(options.out + "\n");
  }
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Make pictures");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  verb->add_option("--class", options->label, "What is to be seen; all: each class in a row (the default)")
      ->option_text("NAME|all");
  verb->add_option("--count", options->count, "Pictures of each class (default: 8)")
      ->option_text("N")
      ->check(whole_number(1, 10'000));
  add_sampling_options(verb, options);
  verb->add_option("--out", options->out, "All pictures side by side in one")
      ->option_text("FILE.png")
      ->check(path());
  verb->add_option("--singles", options->singles,
                   "Each in a file of its own: CLASS-NUMBER.png, counted from 0")
      ->option_text("DIR")
      ->check(path());
  add_machine_options(verb, options);
  verb->footer(
      "A picture is a function of the model, the class, the seed and its number: those of all classes with "
      "one number share a\nlatent vector.\n\n"
      "Examples:\n"
      "  attend run model --out pictures.png\n"
      "  attend run model --class Bag --count 20 --seed 7 --singles bags");
  verbs.push_back({verb, [options] { return run_model(*options); }});
}

}  // namespace attend::cli::image_generate

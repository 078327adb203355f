#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/io/image.h"
#include "attend/task/picture_classifier.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::image_classify {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RunOptions : UseOptions {
  std::vector<std::string> paths;
  bool skip_bad = false, json = false;
};

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

/// The files that are given, and the pictures in the folders that are, by name.
std::vector<fs::path> files_of(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const fs::path path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.is_regular_file() && is_picture(entry.path())) found.push_back(entry.path());
    if (found.empty())
      throw Error(fmt::format("{}: no picture in this folder (*.png, *.jpg, *.jpeg)", path.string()));
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::string line_of(const task::PictureClassifier& model, const fs::path& file,
                    const task::ClassAnswer& answer) {
  std::string line = fmt::format("{}\t{:.4f}\t{}", model.classes()[static_cast<std::size_t>(answer.label)],
                                 answer.probability(), file.string());
  std::ranges::replace(line, '\n', ' ');
  return line + "\n";
}

std::string json_of(const task::PictureClassifier& model, const fs::path& file,
                    const task::ClassAnswer& answer) {
  Json all = Json::object();
  for (std::size_t i = 0; i < answer.probabilities.size(); ++i)
    all[model.classes()[i]] = answer.probabilities[i];
  const Json object = {{"picture", file.string()},
                       {"class", model.classes()[static_cast<std::size_t>(answer.label)]},
                       {"probability", answer.probability()},
                       {"probabilities", all}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

int run_pictures(const RunOptions& options) {
  use_threads(options);
  const task::PictureClassifier model(options.model, options.precision);
  std::int64_t skipped = 0;
  for (const fs::path& file : files_of(options.paths)) {
    io::Image picture;
    try {
      picture = io::read_image(file);
    } catch (const Error&) {
      if (!options.skip_bad) throw;
      ++skipped;
      continue;
    }
    const task::ClassAnswer answer = model.classify(std::vector<io::Image>{picture})[0];
    print(options.json ? json_of(model, file, answer) : line_of(model, file, answer));
  }
  if (skipped > 0) print_note(fmt::format("{} pictures that cannot be read skipped", skipped));
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Tell the classes of pictures");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  verb->add_option("picture", options->paths, "Pictures (PNG, JPEG), or folders of them")
      ->option_text("FILE|FOLDER... (required)")
      ->required();
  verb->add_flag("--json", options->json, "Print a JSON object for each picture, with all probabilities");
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip pictures that cannot be read");
  add_machine_options(verb, options);
  verb->footer(
      "A line for each picture: its class, the probability, the file.\n\n"
      "Examples:\n"
      "  attend run model picture.png other.jpg\n"
      "  attend run model photos --json");
  verbs.push_back({verb, [options] { return run_pictures(*options); }});
}

}  // namespace attend::cli::image_classify

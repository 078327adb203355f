#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/task/tag.h"
#include "io/printable.h"
#include "task/tag/fields.h"

namespace attend::task {

namespace {

TagOptions small() {
  TagOptions options;
  options.model = {.context = 128,
                   .layers = 1,
                   .heads = 4,
                   .dim = 128,
                   .positions = model::Positions::rotary,
                   .dropout = 0.3};
  options.tokenizer = {.kind = "word", .vocabulary = 10000};
  options.char_cnn = 128;
  options.token_dropout = 0.2;
  options.batch = 32;
  options.steps = 3000;
  options.warmup = 200;
  options.minimum_learning_rate = 1e-5;
  options.beta2 = 0.98;
  return options;
}

TagOptions nano() {
  TagOptions options = small();
  options.preset = "nano";
  options.model.dim = 64;
  options.char_cnn = 64;
  return options;
}

TagOptions base() {
  TagOptions options = small();
  options.preset = "base";
  options.model.layers = 4;
  options.model.dim = 256;
  options.learning_rate = 5e-4;
  return options;
}

struct Entry {
  TagPreset description;
  TagOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"small",
        "thousands of sentences on two cores in minutes: 1 layer of 128 over words and their characters"},
       small},
      {{"nano", "the smallest: 1 layer of 64"}, nano},
      {{"base", "many sentences: 4 layers of 256"}, base},
  };
  return all;
}

}  // namespace

const std::vector<TagPreset>& tag_presets() {
  static const std::vector<TagPreset> all = [] {
    std::vector<TagPreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

TagOptions tag_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const TagOptions& options) {
  check_ranges(options);
  model::validate(options.model);
  if (options.model.context < 2)
    throw Error(fmt::format("context {}: at least 2 is needed to tag words", options.model.context));
  if (options.label_smoothing != 0)
    throw Error(fmt::format("label_smoothing {}: only 0 is accepted for tags", options.label_smoothing));
  check_limits(options);
}

data::TaggedOptions tagged_options(const std::filesystem::path& path, const std::string& format,
                                   std::int64_t tag_column, const data::ReadOptions& read) {
  const std::string extension = path.extension().string();
  data::TaggedOptions options;
  if (format == "conllu" || (format == "auto" && extension == ".conllu")) options = data::conllu_options();
  if (format == "iob2" || (format == "auto" && extension == ".iob2")) options = data::numbered_iob2_options();
  if (tag_column != 0) options.tag_column = static_cast<int>(tag_column);
  options.read = read;
  return options;
}

}  // namespace attend::task

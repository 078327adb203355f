#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/checks.h"
#include "cli/overrides.h"
#include "cli/training_options.h"

/// Options of `attend train` that tasks of pictures share: members of their options of the same names.
namespace attend::cli {

inline constexpr const char* kPicturesGroup = "Changes to the pictures that are learnt from";

/// What --block accepts.
inline std::vector<std::string> feature_attention_names() {
  return {"none", "se", "eca", "cbam", "self", "windows", "focal"};
}

/// A switch such as "--flip,!--no-flip".
template <class Options>
void add_switch(CLI::App* verb, const std::shared_ptr<Overrides<Options>>& given, const char* name,
                const char* group, bool Options::*member, const char* description) {
  verb->add_flag_function(
          name,
          [given, member](std::int64_t count) {
            given->emplace_back([member, count](Options& o) { o.*member = count > 0; });
          },
          description)
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
      ->group(group);
}

/// A number from 0 to `most`.
template <class Options>
void add_strength(CLI::App* verb, const std::shared_ptr<Overrides<Options>>& given, const char* name,
                  double Options::*member, double most, const char* description) {
  add_override<double>(
      verb, given, name, "X", kPicturesGroup,
      number(0, most), [member](Options & o) -> auto& { return o.*member; }, description);
}

/// --skip-bad.
template <class Options>
void add_skip_bad(CLI::App* verb, const std::shared_ptr<Overrides<Options>>& given) {
  add_switch(verb, given, "--skip-bad", kFilesGroup, &Options::skip_bad,
             "Count and skip pictures that cannot be read instead of ending at the first");
}

/// --init.
inline void add_classifier_start(CLI::App* verb, std::string& init, const char* description) {
  verb->add_option("--init", init, description)->option_text("DIR")->group(kFilesGroup)->check(path());
}

/// --flip, --rotation and --jitter.
template <class Options>
void add_picture_changes(CLI::App* verb, const std::shared_ptr<Overrides<Options>>& given) {
  add_switch(verb, given, "--flip,!--no-flip", kPicturesGroup, &Options::flip,
             "Left and right change places in half of them");
  add_strength(verb, given, "--rotation", &Options::rotation, 180, "Most degrees of a random rotation");
  add_strength(verb, given, "--jitter", &Options::jitter, 1,
               "Strength of random brightness, contrast, saturation");
}

/// The options of this run: those of the preset, or those a resumed training began with; what the classifier
/// of --init gives, where the task has it; and over them what was given. `read_config` reads config.json of
/// the task.
template <class Options, class Verb, class ReadConfig>
Options resolve(const CLI::App& verb, const Verb& shared, Options preset, ReadConfig read_config) {
  Options result = std::move(preset);
  if (resumes(shared)) {
    const auto begun = read_config(std::filesystem::path(shared.out));
    if (begun.training) result = *begun.training;
  }
  if constexpr (requires { shared.init; }) {
    if (!shared.init.empty() && resumes(shared))
      result.init = shared.init;
    else if (!shared.init.empty())
      start_from(result, std::filesystem::path(shared.init));
  }
  apply(shared, verb, result);
  for (const auto& set : *shared.given) set(result);
  return result;
}

}  // namespace attend::cli

#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "cli/checks.h"
#include "cli/overrides.h"
#include "cli/training_options.h"

namespace attend::cli {

/// Adds options of a verb that override values of a model's configuration, a member of a task's options.
template <class Options, class Config>
struct ModelOptions {
  CLI::App* verb;
  std::shared_ptr<Overrides<Options>> given;
  /// The configuration in the options: a member of them, or a function.
  std::function<Config&(Options&)> config;
  Config (*from_json)(std::string_view text, std::string_view source);

  void whole(const char* name, std::int64_t Config::*member, std::int64_t least, std::int64_t most,
             const char* description) const {
    add<std::int64_t>(name, "N", whole_number(least, most), member, description);
  }
  void real(const char* name, double Config::*member, double least, double most,
            const char* description) const {
    add<double>(name, "X", number(least, most), member, description);
  }
  void word(const char* name, const CLI::Validator& check, std::string Config::*member,
            const char* description) const {
    add<std::string>(name, "NAME", check, member, description);
  }
  /// A switch such as "--bias,!--no-bias".
  void truth(const char* name, bool Config::*member, const char* description) const {
    verb->add_flag_function(
            name,
            [all = given, config = config, member](std::int64_t count) {
              all->emplace_back([config, member, count](Options& o) { config(o).*member = count > 0; });
            },
            description)
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
        ->group(kModelGroup);
  }
  /// A choice by its name in config.json, where it stands under `key`.
  template <class Value>
  void choice(const char* name, const char* key, std::vector<std::string> words, Value Config::*member,
              const char* description) const {
    verb->add_option_function<std::string>(
            name,
            [all = given, config = config, read = from_json, key, member](const std::string& word) {
              const nlohmann::json object = {{key, word}};
              const Value value = read(object.dump(), key).*member;
              all->emplace_back([config, member, value](Options& o) { config(o).*member = value; });
            },
            fmt::format("{}: {}", description, fmt::join(words, ", ")))
        ->option_text("NAME")
        ->group(kModelGroup)
        ->check(one_of(std::move(words)));
  }

 private:
  template <class T>
  void add(const char* name, const char* value, const CLI::Validator& check, T Config::*member,
           const char* description) const {
    add_override<T>(
        verb, given, name, value, kModelGroup, check,
        [ config = config, member ](Options & o) -> auto& { return config(o).*member; }, description);
  }
};

/// --tokenizer and --vocab, of a task whose options hold data::TokenizerOptions as `tokenizer`.
template <class Options>
void add_tokenizer_options(CLI::App* verb, const std::shared_ptr<Overrides<Options>>& given,
                           const std::vector<std::string>& kinds = {"char", "byte", "bpe", "unigram"}) {
  add_override<std::string>(
      verb, given, "--tokenizer", "KIND", kModelGroup, one_of(kinds),
      [](Options & o) -> auto& { return o.tokenizer.kind; },
      fmt::format("How text becomes tokens: {}", fmt::join(kinds, ", ")));
  add_override<std::int64_t>(
      verb, given, "--vocab", "N", kModelGroup, whole_number(320, 1000000),
      [](Options & o) -> auto& { return o.tokenizer.vocabulary; },
      "Most tokens of a vocabulary of subwords or words");
}

/// The name of a mechanism that a configuration accepts as this member.
template <class Config>
CLI::Validator mechanism_for(std::string Config::*member) {
  return CLI::Validator(
      [member](const std::string& name) -> std::string {
        try {
          Config config;
          config.*member = name;
          validate(config);
          return {};
        } catch (const Error& error) {
          return error.what();
        }
      },
      "");
}

/// --preset; returns the lines about all of them for the end of the help.
template <class Preset>
std::string add_presets(CLI::App* verb, std::string& chosen, const std::vector<Preset>& presets) {
  std::vector<std::string> names;
  std::string about;
  for (const Preset& preset : presets) {
    names.push_back(preset.name);
    about += fmt::format("\n  {:<11} {}", preset.name, preset.purpose);
  }
  chosen = names.front();
  verb->add_option("--preset", chosen, "Values of all options that are not given (default: " + chosen + ")")
      ->option_text("NAME")
      ->group(kFilesGroup)
      ->check(one_of(names));
  return about;
}

}  // namespace attend::cli

#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace attend::cli {

/// What was given, to be laid over a preset or over what a resumed training began with.
template <class Options>
using Overrides = std::vector<std::function<void(Options&)>>;

/// An option that overrides one value: `field(options)` is a reference to it.
template <class T, class Options, class Field>
CLI::Option* add_override(CLI::App* verb, const std::shared_ptr<Overrides<Options>>& given, const char* name,
                          const char* value, const char* group, const CLI::Validator& check, Field field,
                          const std::string& description) {
  return verb
      ->add_option_function<T>(
          name,
          [given, field](const T& value_given) {
            given->emplace_back([field, value_given](Options& options) { field(options) = value_given; });
          },
          description)
      ->option_text(value)
      ->group(group)
      ->check(check);
}

}  // namespace attend::cli

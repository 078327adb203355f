#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <type_traits>

#include "attend/base/error.h"
#include "task/model_folder.h"

namespace attend::task {

/// Sets what a model has from its tokenizers or its pictures.
template <class Model>
void take_sizes_of_data(Model& model, const Model& from) {
  if constexpr (requires { model.vocabulary; }) {
    model.vocabulary = from.vocabulary;
  } else if constexpr (requires { model.pictures(); }) {
    model.set_pictures(from.pictures());
  } else if constexpr (requires { model.set_data(from.classes(), from.channels()); }) {
    model.set_data(from.classes(), from.channels());
  } else if constexpr (requires { model.channels; }) {
    model.channels = from.channels;
    model.classes = from.classes;
  } else {
    model.set_vocabularies(from.source_vocabulary(), from.target_vocabulary());
  }
}

/// A resumed training keeps what it began with, save for the options that only say how long and how often:
/// throws Error naming the first option that differs from `begun` and that the training in `folder` may not
/// change, or saying that the model does, in more than what it has from its data.
template <class Options>
void check_resumable(const Options& options, const Options& begun, const std::filesystem::path& folder) {
  for_each_option(options, [&](const char* key, const auto& value, const auto& accepted) {
    for_each_option(begun, [&](std::string_view other, const auto& before, const auto&) {
      if constexpr (std::is_same_v<decltype(value), decltype(before)>) {
        if (accepted.may_change || other != key || value == before) return;
        throw Error(fmt::format("{} {}: the training in {} was begun with {}, which a resume cannot change",
                                key, value, folder.string(), before));
      }
    });
  });
  auto model = options.model;
  take_sizes_of_data(model, begun.model);
  if (model != begun.model)
    throw Error(
        fmt::format("the training in {} was begun with another model (see {}), which a resume cannot change",
                    folder.string(), kConfigFile));
}

/// Makes `options` those of a resume of the training that the config.json in `folder` tells of: a precision
/// that was measured then is not measured again. Throws Error when it tells of none, and as
/// check_resumable().
template <class Options, class Config>
void resume_with(Options& options, const Config& config, const std::filesystem::path& folder) {
  bool is_whole = config.training.has_value();
  if constexpr (requires { config.data.has_value(); }) is_whole = is_whole && config.data.has_value();
  if (!is_whole)
    throw Error(fmt::format("{}: has no \"training\" to resume", (folder / kConfigFile).string()));
  if (options.precision == "auto") options.precision = config.training->precision;
  check_resumable(options, *config.training, folder);
}

}  // namespace attend::task

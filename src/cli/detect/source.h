#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "attend/task/detect.h"
#include "cli/checks.h"

namespace attend::cli::detect {

/// What --data, --list and --pictures say.
struct SourceOptions {
  std::string data, list, picture_folder;

  task::DetectionSource source() const {
    return {.path = data, .list = list, .picture_folder = picture_folder};
  }
};

/// --data, which is given back, --list and --pictures. `options` must outlive the parse.
inline CLI::Option* add_source(CLI::App* verb, SourceOptions& options, const char* list,
                               const std::string& group) {
  CLI::Option* data =
      verb->add_option(
              "--data", options.data,
              "A folder in the format of Pascal VOC (Annotations, JPEGImages), or a file in that of COCO")
          ->option_text("FOLDER|FILE.json")
          ->group(group)
          ->check(path());
  verb->add_option("--list", options.list, list)->option_text("FILE.txt")->group(group)->check(path());
  verb->add_option("--pictures", options.picture_folder,
                   "Folder that names of pictures in FILE.json begin from (default: that of the file)")
      ->option_text("FOLDER")
      ->group(group)
      ->check(path());
  return data;
}

}  // namespace attend::cli::detect

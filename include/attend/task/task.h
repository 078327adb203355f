#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace attend::task {

/// Something that Attend can learn.
struct Task {
  std::string name;    ///< the word after `attend train`, and "task" in config.json
  std::string learns;  ///< what a model of this task does
  std::string data;    ///< what --data takes
  std::string model;   ///< the kind of model
  std::string metric;  ///< what `attend eval` reports
  /// Where in a model folder there is an encoder that another task may start from (--init): "." for the
  /// folder itself; empty: there is none.
  std::string encoder = {};
};

/// Every task there is.
const std::vector<Task>& tasks();

/// The task of this name. Throws Error naming the tasks there are.
const Task& find_task(std::string_view name);

/// The task of the model in a folder, by its config.json. Throws Error naming the folder or the file when
/// there is none, or it is damaged or of a newer format.
const Task& task_of_folder(const std::filesystem::path& folder);

}  // namespace attend::task

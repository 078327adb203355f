#pragma once

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
};

/// Every task there is.
const std::vector<Task>& tasks();

/// The task of this name. Throws Error naming the tasks there are.
const Task& find_task(std::string_view name);

}  // namespace attend::task

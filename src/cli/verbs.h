#pragma once

#include <functional>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own name
class App;
}

namespace attend::cli {

/// A verb, or a task of a verb: its options, and what it does once they are read. Returns the exit code.
struct Verb {
  CLI::App* options = nullptr;
  std::function<int()> action;
};

/// Each adds one verb to the program, in a file of its own. cli/task_verbs.h has those that differ by task.
void add_tasks(CLI::App& program, std::vector<Verb>& verbs);
void add_attention(CLI::App& program, std::vector<Verb>& verbs);
void add_info(CLI::App& program, std::vector<Verb>& verbs);
void add_bench(CLI::App& program, std::vector<Verb>& verbs);
void add_compare(CLI::App& program, std::vector<Verb>& verbs);
void add_data(CLI::App& program, std::vector<Verb>& verbs);

}  // namespace attend::cli

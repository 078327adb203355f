#pragma once

#include <string_view>
#include <vector>

#include "cli/verbs.h"

/// The verbs that are different for each task: train, run, eval, see.
namespace attend::cli {

/// Adds one of the four to the program with the tasks below it: with the named one, or with all when `task`
/// is none of them.
void add_task_verb(CLI::App& program, std::string_view verb, std::string_view task, std::vector<Verb>& verbs);

}  // namespace attend::cli

// Options and action of a task below a verb, in a folder for each task.

namespace attend::cli::generate {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::generate

namespace attend::cli::classify {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::classify

namespace attend::cli::text_to_text {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::text_to_text

namespace attend::cli::tag {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::tag

namespace attend::cli::search {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::search

namespace attend::cli::answer {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::answer

namespace attend::cli::converse {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::converse

namespace attend::cli::image_classify {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::image_classify

namespace attend::cli::image_generate {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::image_generate

namespace attend::cli::segment {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::segment

namespace attend::cli::detect {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::detect

namespace attend::cli::pretrain {

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_eval(CLI::App& parent, const char* task, std::vector<Verb>& verbs);
void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

}  // namespace attend::cli::pretrain

#include "cli/task_verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string>

namespace attend::cli {

namespace {

using AddTask = void (*)(CLI::App& parent, const char* task, std::vector<Verb>& verbs);

struct TaskOfVerbs {
  const char* task;
  AddTask train, run, eval, see;
};
constexpr std::array<TaskOfVerbs, 13> kTasks = {{
    {"generate", generate::add_train, generate::add_run, generate::add_eval, generate::add_see},
    {"classify", classify::add_train, classify::add_run, classify::add_eval, classify::add_see},
    {"translate", text_to_text::add_train, text_to_text::add_run, text_to_text::add_eval,
     text_to_text::add_see},
    {"summarize", text_to_text::add_train, text_to_text::add_run, text_to_text::add_eval,
     text_to_text::add_see},
    {"tag", tag::add_train, tag::add_run, tag::add_eval, tag::add_see},
    {"search", search::add_train, search::add_run, search::add_eval, search::add_see},
    {"answer", answer::add_train, answer::add_run, answer::add_eval, answer::add_see},
    {"converse", converse::add_train, converse::add_run, converse::add_eval, converse::add_see},
    {"image-classify", image_classify::add_train, image_classify::add_run, image_classify::add_eval,
     image_classify::add_see},
    {"image-generate", image_generate::add_train, image_generate::add_run, image_generate::add_eval,
     image_generate::add_see},
    {"segment", segment::add_train, segment::add_run, segment::add_eval, segment::add_see},
    {"detect", detect::add_train, detect::add_run, detect::add_eval, detect::add_see},
    {"pretrain", pretrain::add_train, pretrain::add_run, pretrain::add_eval, pretrain::add_see},
}};

struct TaskVerb {
  std::string_view name;
  AddTask TaskOfVerbs::*add;
  const char* description;
  const char* example;
};
constexpr std::array<TaskVerb, 4> kTaskVerbs = {{
    {"train", &TaskOfVerbs::train, "Learn a task from data",
     "Example:\n  attend train generate --data book.txt --out model\n\n'attend tasks' tells more about "
     "each."},
    {"run", &TaskOfVerbs::run, "Use a model",
     "'attend run DIR --help' explains it for the task of the model in DIR.\n\nExample:\n  attend run model "
     "--prompt \"Once upon a time\""},
    {"eval", &TaskOfVerbs::eval, "Measure how good a model is by the metric of its task",
     "'attend eval DIR --help' explains it for the task of the model in DIR.\n\nExample:\n  attend eval "
     "model "
     "--data book.txt --json"},
    {"see", &TaskOfVerbs::see, "Show where a model looks",
     "'attend see DIR --help' explains it for the task of the model in DIR.\n\nExample:\n  attend see model "
     "\"The cat sat on the mat\" --out page.html"},
}};

}  // namespace

void add_task_verb(CLI::App& program, std::string_view verb, std::string_view task,
                   std::vector<Verb>& verbs) {
  const TaskVerb& found = *std::ranges::find(kTaskVerbs, verb, &TaskVerb::name);
  CLI::App* parent = program.add_subcommand(std::string(verb), found.description);
  parent->require_subcommand(1);
  parent->footer(found.example);
  const auto names = [task](const TaskOfVerbs& known) { return known.task == task; };
  const bool all = std::ranges::none_of(kTasks, names);
  for (const TaskOfVerbs& known : kTasks)
    if (all || names(known)) (known.*(found.add))(*parent, known.task, verbs);
}

}  // namespace attend::cli

#include "cli/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/base/version.h"
#include "base/nearest.h"
#include "cli/folder_verbs.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/task_verbs.h"
#include "cli/verbs.h"
#include "io/printable.h"

namespace attend::cli {

namespace {

/// The innermost verb that was named, "attend" itself when none was.
CLI::App* chosen(CLI::App& program) {
  CLI::App* app = &program;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::string full_name(const CLI::App* app) {
  if (is_task_of_folder_verb(app)) app = app->get_parent();
  std::string name = app->get_name();
  while ((app = app->get_parent()) != nullptr) name = app->get_name() + " " + name;
  return name;
}

std::vector<std::string> option_names(CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> verb_names(CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app->get_subcommands(nullptr)) names.push_back(verb->get_name());
  return names;
}

std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest(name, known);
  return near.empty() ? std::string() : fmt::format("; did you mean {}?", near);
}

/// About the first word that nothing accepts; empty when every word was accepted.
std::string unknown_word(CLI::App& program) {
  CLI::App* app = chosen(program);
  const std::vector<std::string> words = app->remaining(false);
  if (words.empty()) return {};
  const std::string word = words.front().substr(0, words.front().find('='));
  const std::string help = fmt::format(" ({} --help explains)", full_name(app));
  if (word.size() > 1 && word[0] == '-')
    return fmt::format("unknown option {} of '{}'{}", io::printable(word), full_name(app),
                       suggestion(word, option_names(app))) +
           help;
  const std::vector<std::string> verbs = verb_names(app);
  if (verbs.empty())
    return fmt::format("'{}' takes no further argument, {} given{}", full_name(app), io::printable(word),
                       help);
  std::string hint = suggestion(word, verbs);
  if (hint.empty()) hint = fmt::format("; there are: {}", fmt::join(verbs, ", "));
  return fmt::format("unknown {} {}{}", app == &program ? "verb" : "task", io::printable(word), hint) + help;
}

/// About an option that was given too often, or without its value.
std::string wrong_count(const CLI::App* app, const CLI::ArgumentMismatch& error) {
  for (const CLI::Option* option : app->get_options()) {
    const auto most = static_cast<std::size_t>(std::max(1, option->get_items_expected_max()));
    if (option->get_multi_option_policy() != CLI::MultiOptionPolicy::Throw || option->count() <= most)
      continue;
    std::vector<std::string> names;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    if (names.size() > 1)
      return fmt::format("{} exclude each other: one of them, once, is accepted", fmt::join(names, " and "));
    return fmt::format("{} is given {} times: once is accepted", option->get_name(), option->count());
  }
  const std::string text = error.what();
  const std::size_t colon = text.find(':');
  return colon == std::string::npos ? text : fmt::format("{} needs a value", text.substr(0, colon));
}

std::string describe(CLI::App& program, const CLI::ParseError& error) {
  std::string message = unknown_word(program);
  if (!message.empty()) return message;
  CLI::App* app = chosen(program);
  const std::vector<std::string> verbs = verb_names(app);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !verbs.empty())
    return fmt::format("'{}' needs one of: {}", full_name(app), fmt::join(verbs, ", "));
  message = error.what();
  if (const auto* mismatch = dynamic_cast<const CLI::ArgumentMismatch*>(&error))
    message = wrong_count(app, *mismatch);
  return fmt::format("{} ({} --help explains)", message, full_name(app));
}

struct NamedVerb {
  std::string_view name;
  void (*add)(CLI::App& program, std::vector<Verb>& verbs);  ///< null: it differs by task
};
constexpr std::array<NamedVerb, 10> kVerbs = {{{"tasks", add_tasks},
                                               {"attention", add_attention},
                                               {"info", add_info},
                                               {"train", nullptr},
                                               {"run", nullptr},
                                               {"eval", nullptr},
                                               {"see", nullptr},
                                               {"bench", add_bench},
                                               {"compare", add_compare},
                                               {"data", add_data}}};

// Adds the verb, and the task, that the words name, or all there are: nobody asks for the options of others,
// and most of the time to start goes into them.
void add_verbs(CLI::App& program, const std::vector<std::string>& words, std::vector<Verb>& verbs) {
  const std::string_view verb = words.empty() ? std::string_view() : words[0],
                         task = words.size() > 1 ? words[1] : std::string_view();
  const auto names = [verb](const NamedVerb& known) { return known.name == verb; };
  const bool all = std::ranges::none_of(kVerbs, names);
  for (const NamedVerb& known : kVerbs) {
    if (!all && !names(known)) continue;
    if (known.add == nullptr)
      add_task_verb(program, known.name, task, verbs);
    else
      known.add(program, verbs);
  }
}

int parse_and_run(int argc, char** argv) {
  CLI::App program("Attention models on this machine: train them, use them, see where they look.", "attend");
  program.set_version_flag("--version", fmt::format("attend {}", version()), "Print the version");
  program.require_subcommand(1);
  const auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(28);
  program.formatter(formatter);
  program.footer(
      "Example:\n"
      "  attend train generate --data book.txt --out model\n"
      "  attend run model --prompt \"Once upon a time\"\n\n"
      "'attend VERB --help' explains a verb. Exit codes: 0 done, 2 something for you to change (one line on "
      "stderr\n"
      "says what), 130 stopped by Ctrl-C, 1 a fault of the program.");
  std::vector<std::string> words = with_task_of_folder({argv + std::min(argc, 1), argv + argc});
  std::vector<Verb> verbs;
  add_verbs(program, words, verbs);
  if (words.empty()) {
    print(program.help());
    return kSuccess;
  }
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    program.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    print(program.help(
        "", is_folder_verb(chosen(program)) ? CLI::AppFormatMode::All : CLI::AppFormatMode::Normal));
    return kSuccess;
  } catch (const CLI::CallForVersion& version) {
    print(std::string(version.what()) + "\n");
    return kSuccess;
  } catch (const CLI::ParseError& error) {
    print_error(describe(program, error));
    return kUserError;
  }
  const CLI::App* app = chosen(program);
  for (const Verb& verb : verbs) {
    if (verb.options == app) return verb.action();
  }
  throw Error(fmt::format("'{}' does nothing", full_name(app)));
}

}  // namespace

int run_program(int argc, char** argv) {
  // A file that may not grow further is then an error that can be reported, not a signal that kills.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return parse_and_run(argc, argv);
  } catch (const Error& error) {
    print_error(error.what());
    return kUserError;
  } catch (const std::bad_alloc&) {
    print_error("not enough memory: choose a smaller model, batch or context");
    return kUserError;
  } catch (const std::exception& error) {
    print_error(fmt::format("internal fault: {}", error.what()));
  } catch (...) {
    print_error("internal fault");
  }
  return kFailure;
}

}  // namespace attend::cli

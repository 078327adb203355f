#include "train/training_state.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "attend/base/error.h"
#include "attend/io/file.h"

namespace attend::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr std::size_t kLongest = 1 << 24;

/// Calls action(name, member) for every member that is one number.
template <class State, class Action>
void for_each_number(State& state, Action&& action) {
  action("step", state.step);
  action("batch", state.batch);
  action("seconds", state.seconds);
  action("warmup_fraction", state.warmup_fraction);
  action("best_step", state.best_step);
  action("evaluated_step", state.evaluated_step);
  action("evaluations_since_best", state.evaluations_since_best);
  action("random_seed", state.random_seed);
  action("random_position", state.random_position);
  action("watchdog_updates", state.watchdog.updates);
  action("watchdog_running", state.watchdog.running);
  action("watchdog_lowest", state.watchdog.lowest);
  action("watchdog_above", state.watchdog.above);
}

void read_number(const Json& value, double& number) {
  if (!value.is_number()) throw std::domain_error("a number");
  number = value.get<double>();
}

void read_number(const Json& value, std::int64_t& number) {
  // Far below the largest number, so that counting on cannot overflow.
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  if (!value.is_number_integer()) throw std::domain_error("an integer");
  number = value.get<std::int64_t>();
  if (number < 0 || number > kMost) throw std::domain_error("0 or more");
}

void read_number(const Json& value, std::uint64_t& number) {
  if (!value.is_number_unsigned()) throw std::domain_error("an integer of 0 or more");
  number = value.get<std::uint64_t>();
}

}  // namespace

void write_state(const std::filesystem::path& path, const TrainingState& state) {
  Json json;
  json["format"] = kFormat;
  for_each_number(state, [&](const char* name, auto value) { json[name] = value; });
  if (state.best) json["best"] = *state.best;
  if (state.best_metric) json["best_metric"] = *state.best_metric;
  json["notes"] = state.notes;
  io::write_file_atomically(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

TrainingState read_state(const std::filesystem::path& path) {
  const Json json = Json::parse(io::read_file(path, kLongest), nullptr, false);
  const auto fail = [&](std::string_view name, std::string_view expected) {
    throw Error(fmt::format("{}: \"{}\" is missing or not {}", path.string(), name, expected));
  };
  if (!json.is_object()) throw Error(fmt::format("{} is not a JSON object", path.string()));
  if (!json.contains("format") || json["format"] != kFormat) fail("format", "1");
  TrainingState state;
  for_each_number(state, [&](const char* name, auto& value) {
    try {
      read_number(json.contains(name) ? json[name] : Json(), value);
    } catch (const std::domain_error& expected) {
      fail(name, expected.what());
    }
  });
  const auto read_optional = [&](const char* name, std::optional<double>& value) {
    if (!json.contains(name)) return;
    if (!json[name].is_number()) fail(name, "a number");
    value = json[name].get<double>();
  };
  read_optional("best", state.best);
  read_optional("best_metric", state.best_metric);
  if (!json.contains("notes") || !json["notes"].is_object()) fail("notes", "an object");
  for (const auto& [name, value] : json["notes"].items()) {
    if (!value.is_string()) fail("notes", "an object of strings");
    state.notes[name] = value.get<std::string>();
  }
  return state;
}

}  // namespace attend::train

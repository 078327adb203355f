#include "cli/picture_alerts.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/output.h"

namespace attend::cli {

namespace {

std::string json_line(bool raised, const task::AppearanceRule& rule, const std::string& file) {
  const task::PictureRegion& region = rule.region;
  const nlohmann::ordered_json object = {{"alert", raised ? "raised" : "ended"},
                                         {"class", rule.label},
                                         {"region", {region.left, region.top, region.right, region.bottom}},
                                         {"frames", rule.frames},
                                         {"picture", file}};
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

void add_picture_alerts(CLI::App* verb, std::vector<std::string>& alerts, const char* form) {
  verb->add_option("--alert", alerts,
                   "Tell when this class appears and when it is gone (may be given several times)")
      ->option_text(form)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

PictureAlerts::PictureAlerts(const std::vector<std::string>& rules, const std::vector<std::string>& classes,
                             AlertForm form)
    : form_(form) {
  for (const std::string& rule : rules) watches_.emplace_back(task::parse_appearance(rule, classes));
}

void PictureAlerts::push(const std::filesystem::path& file,
                         const std::function<bool(const task::AppearanceRule& rule)>& appears) {
  for (task::AppearanceWatch& watch : watches_) {
    const task::AlertChange change = watch.push(appears(watch.rule()));
    if (change == task::AlertChange::none) continue;
    const bool raised = change == task::AlertChange::raised;
    const std::string line = form_ == AlertForm::json
                                 ? json_line(raised, watch.rule(), file.string())
                                 : fmt::format("{}\t{}\t{}", raised ? "ALERT" : "alert ended",
                                               to_string(watch.rule()), file.string());
    print(line + "\n");
  }
}

}  // namespace attend::cli

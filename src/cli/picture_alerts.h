#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "attend/task/appearance_alert.h"

namespace attend::cli {

enum class AlertForm : std::uint8_t { text, json };

/// --alert of `attend run` with pictures. `alerts` is to live as long as `verb`.
void add_picture_alerts(CLI::App* verb, std::vector<std::string>& alerts, const char* form);

/// Tells when classes begin and cease to appear in pictures.
class PictureAlerts {
 public:
  /// Throws Error for a rule that cannot be read.
  PictureAlerts(const std::vector<std::string>& rules, const std::vector<std::string>& classes,
                AlertForm form);

  const std::vector<task::AppearanceWatch>& watches() const { return watches_; }

  /// Takes in a picture, in which the class of a rule appears or not, and prints a line for each change.
  void push(const std::filesystem::path& file,
            const std::function<bool(const task::AppearanceRule& rule)>& appears);

 private:
  std::vector<task::AppearanceWatch> watches_;
  AlertForm form_;
};

}  // namespace attend::cli

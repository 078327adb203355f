#include "attend/task/appearance_alert.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "attend/base/error.h"
#include "io/printable.h"
#include "task/rule_words.h"

namespace attend::task {

namespace {

constexpr std::int64_t kMostFrames = 1'000'000;
constexpr std::string_view kIn = " in ";

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error(fmt::format("alert {}: {}; expected CLASS [in LEFT,TOP,RIGHT,BOTTOM] [frames=N]",
                          io::printable(text), why));
}

std::optional<PictureRegion> region_of(std::string_view text) {
  std::array<double, 4> places{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t comma = i + 1 < places.size() ? text.find(',') : text.size();
    if (comma == text.npos) return {};
    const auto place = number_of<double>(text.substr(0, comma));
    if (!place) return {};
    places[i] = *place;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return PictureRegion{.left = places[0], .top = places[1], .right = places[2], .bottom = places[3]};
}

void check_rule(const AppearanceRule& rule) {
  const PictureRegion& region = rule.region;
  const auto is_span = [](double low, double high) { return 0 <= low && low < high && high <= 1; };
  if (!is_span(region.left, region.right) || !is_span(region.top, region.bottom))
    throw Error(fmt::format(
        "alert: region {},{},{},{}: left < right and top < bottom, in shares of the picture from 0 to 1, "
        "are accepted",
        region.left, region.top, region.right, region.bottom));
  if (rule.frames < 1 || rule.frames > kMostFrames)
    throw Error(fmt::format("alert: frames {}: 1 to {} is accepted", rule.frames, kMostFrames));
}

}  // namespace

AppearanceRule parse_appearance(std::string_view text, const std::vector<std::string>& classes) {
  AppearanceRule rule;
  std::string_view rest = without_spaces_behind(text);
  const auto is_class = [&] { return std::ranges::find(classes, rest) != classes.end(); };
  if (!is_class()) {
    if (const auto frames = take_last_word(rest, "frames=")) {
      const auto number = number_of<std::int64_t>(*frames);
      if (!number) refuse(text, fmt::format("{} is no number behind frames=", io::printable(*frames)));
      rule.frames = *number;
    }
  }
  if (!is_class()) {
    if (const std::size_t in = rest.rfind(kIn); in != rest.npos) {
      const std::string_view places = rest.substr(in + kIn.size());
      const auto region = region_of(places);
      if (!region) refuse(text, fmt::format("{} is no region", io::printable(places)));
      rule.region = *region;
      rest = without_spaces_behind(rest.substr(0, in));
    }
  }
  const auto label = std::ranges::find(classes, rest);
  if (label == classes.end())
    refuse(text, fmt::format("{} is none of the classes {}", io::printable(rest), fmt::join(classes, ", ")));
  rule.label = *label;
  rule.label_index = label - classes.begin();
  check_rule(rule);
  return rule;
}

std::string to_string(const AppearanceRule& rule) {
  std::string text = rule.label;
  const PictureRegion& region = rule.region;
  if (region != PictureRegion{})
    text += fmt::format("{}{},{},{},{}", kIn, region.left, region.top, region.right, region.bottom);
  if (rule.frames != 1) text += fmt::format(" frames={}", rule.frames);
  return text;
}

bool appears_in(const AppearanceRule& rule, std::span<const data::DetectedBox> objects, std::int64_t width,
                std::int64_t height) {
  const PictureRegion& region = rule.region;
  return std::ranges::any_of(objects, [&](const data::DetectedBox& object) {
    const data::Box& box = object.box;
    const double x = (double{box.x0} + box.x1) / 2 / static_cast<double>(width),
                 y = (double{box.y0} + box.y1) / 2 / static_cast<double>(height);
    return box.label == rule.label_index && region.left <= x && x <= region.right && region.top <= y &&
           y <= region.bottom;
  });
}

AppearanceWatch::AppearanceWatch(const AppearanceRule& rule) : rule_(rule) {
  check_rule(rule);
}

AlertChange AppearanceWatch::push(bool appears) {
  in_a_row_ = appears == raised_ ? 0 : in_a_row_ + 1;
  if (in_a_row_ < rule_.frames) return AlertChange::none;
  in_a_row_ = 0;
  raised_ = appears;
  return appears ? AlertChange::raised : AlertChange::ended;
}

}  // namespace attend::task

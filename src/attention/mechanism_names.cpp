// Mechanisms found by name.

#include <fmt/format.h>

#include <cctype>

#include "attend/attention/mechanism.h"
#include "attend/base/error.h"
#include "base/nearest.h"

namespace attend::attention {

const Mechanism& find_mechanism(std::string_view name) {
  std::vector<std::string> known;
  for (const Mechanism& m : mechanisms()) {
    known.emplace_back(m.name);
    if (m.name == name) return m;
    for (const std::string_view other : m.other_names) {
      known.emplace_back(other);
      if (other == name) return m;
    }
  }
  constexpr std::size_t kShown = 40;
  std::string shown(name.substr(0, kShown));
  for (char& c : shown)
    if (std::isprint(static_cast<unsigned char>(c)) == 0) c = '?';
  const std::string near = nearest(shown, known);
  if (!near.empty()) throw Error(fmt::format("unknown attention '{}'; did you mean {}?", shown, near));
  std::vector<std::string_view> names;
  for (const Mechanism& m : mechanisms()) names.push_back(m.name);
  throw Error(fmt::format("unknown attention '{}'; there are: {}", shown, fmt::join(names, ", ")));
}

AttentionSpec mechanism(std::string_view name, bool causal) {
  return find_mechanism(name).spec(causal);
}

}  // namespace attend::attention

#include "attend/explain/json.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "explain/token_text.h"

namespace attend::explain {
namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    utf8proc_int32_t value;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                         static_cast<utf8proc_ssize_t>(text.size()), &value);
    if (length <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

struct Tokens {
  nlohmann::json texts = nlohmann::json::array();
  nlohmann::json bytes = nlohmann::json::object();
};

Tokens describe(const std::vector<std::string>& tokens) {
  Tokens result;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_utf8(tokens[i])) {
      result.texts.push_back(tokens[i]);
      continue;
    }
    result.texts.push_back(show_token(tokens[i], TokenStyle::kText));
    std::string hex;
    for (const char c : tokens[i]) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    result.bytes[std::to_string(i)] = hex;
  }
  return result;
}

void append_number(std::string& out, float value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

// Writes the numbers of the axes from `axis` on as nested arrays, advancing `next`.
void append_nested(std::string& out, const std::array<std::size_t, 4>& shape, std::size_t axis,
                   const float*& next) {
  if (axis == shape.size()) return append_number(out, *next++);
  out += '[';
  for (std::size_t i = 0; i < shape[axis]; ++i) {
    if (i > 0) out += axis == 3 ? "," : ",\n";
    append_nested(out, shape, axis + 1, next);
  }
  out += ']';
}

}  // namespace

std::string to_json(const AttentionMaps& maps) {
  check_shape(maps);
  const Tokens queries = describe(maps.queries), keys = describe(maps.keys);
  const std::array<std::size_t, 4> shape{static_cast<std::size_t>(maps.layers),
                                         static_cast<std::size_t>(maps.heads), maps.queries.size(),
                                         maps.keys.size()};
  const auto text = [](const nlohmann::json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  std::string out = "{\"format\": \"attend-attention-maps\", \"version\": 1,\n";
  out += " \"title\": " + text(maps.title) + ",\n";
  out +=
      fmt::format(" \"causal\": {},\n \"axes\": [\"layer\", \"head\", \"query\", \"key\"], \"shape\": {},\n",
                  maps.causal, text(shape));
  out += " \"queries\": " + text(queries.texts) + ",\n \"keys\": " + text(keys.texts) + ",\n";
  out += " \"query_bytes\": " + text(queries.bytes) + ", \"key_bytes\": " + text(keys.bytes) + ",\n";
  out += " \"weights\":\n";
  const float* next = maps.weights.data();
  append_nested(out, shape, 0, next);
  return out += "}\n";
}

}  // namespace attend::explain

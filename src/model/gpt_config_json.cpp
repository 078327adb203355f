#include "attend/model/gpt_config.h"
#include "model/config_json.h"
#include "model/gpt_fields.h"

namespace attend::model {

std::string to_json(const GptConfig& config) {
  return json_of_config(config);
}

GptConfig gpt_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<GptConfig>(text, source);
}

}  // namespace attend::model

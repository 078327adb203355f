
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "attend/task/generate.h"
#include "cli/generate/info.h"
#include "cli/model_facts.h"
#include "cli/output.h"
#include "cli/program.h"

namespace attend::cli::generate {

int show_model(const std::filesystem::path& folder, bool json) {
  const task::GenerateConfig config = task::read_generate_config(folder);
  const std::optional<std::int64_t> parameters = parameters_of_model(folder);
  if (json) {
    nlohmann::ordered_json facts = {
        {"task", "generate"},
        {"model", nlohmann::ordered_json::parse(model::to_json(config.model))},
        {"tokenizer", config.tokenizer},
        {"parameters", parameters ? nlohmann::ordered_json(*parameters) : nullptr}};
    if (config.data)
      facts["data"] = {{"path", config.data->path},
                       {"characters", config.data->characters},
                       {"tokens", config.data->tokens},
                       {"validation_tokens", config.data->validation_tokens}};
    if (config.training)
      facts["training"] = {{"preset", config.training->preset},
                           {"precision", config.training->precision},
                           {"seed", config.training->seed}};
    if (config.results) {
      facts["results"] = {{"ended", config.results->ended},
                          {"step", config.results->step},
                          {"seconds", config.results->seconds},
                          {"best_step", config.results->best_step}};
      if (config.results->validation_loss)
        facts["results"]["validation_loss"] = *config.results->validation_loss;
    }
    print(facts.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  const model::GptConfig& model = config.model;
  std::string text = fmt::format(
      "task        generate\nmodel       {} layers, {} heads, dim {}, context {}\n"
      "attention   {}\n",
      model.layers, model.heads, model.dim, model.context, model.attention);
  text += parameters ? fmt::format("parameters  {}\n", *parameters) : "parameters  none saved yet\n";
  text += fmt::format("tokenizer   {}, {} tokens\n", config.tokenizer, model.vocabulary);
  if (config.data)
    text += fmt::format("data        {}: {} characters, {} tokens, the last {} for validation\n",
                        config.data->path, config.data->characters, config.data->tokens,
                        config.data->validation_tokens);
  if (config.training)
    text += fmt::format("training    preset {}, {}, seed {}\n", config.training->preset,
                        config.training->precision, config.training->seed);
  if (config.results) {
    text += fmt::format("result      {} updates in {:.1f} s, ended by: {}\n", config.results->step,
                        config.results->seconds, config.results->ended);
    if (config.results->validation_loss)
      text += fmt::format("best loss   {:.4f} nats a token on the validation part, update {}\n",
                          *config.results->validation_loss, config.results->best_step);
  } else if (config.training) {
    text += "result      not finished\n";
  }
  print(text);
  return kSuccess;
}

}  // namespace attend::cli::generate

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "attend/task/picture_generator.h"
#include "io/printable.h"

namespace attend::task {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

std::string to_terminal(const GenerationEvaluation& evaluation) {
  std::string text = fmt::format("{} samples\n", evaluation.samples);
  if (evaluation.recognised)
    text += fmt::format("recognised as the class asked for  {:.4f}\n", *evaluation.recognised);
  text += fmt::format("real pictures recognised           {:.4f}\n", evaluation.recognised_real);
  for (std::size_t i = 0; evaluation.recognised && i < evaluation.classes.size(); ++i)
    if (evaluation.recognised_of_class[i])
      text += fmt::format("  {:<32} {:.4f}\n", io::printable(evaluation.classes[i]),
                          *evaluation.recognised_of_class[i]);
  if (!evaluation.distances)
    return text + "no Frechet distance: this classifier is no residual network, whose features it is of\n";
  const auto& [features, samples, second_half, baseline] = *evaluation.distances;
  text += fmt::format(
      "Frechet distance to {} real pictures, in the {} features of this classifier (no Inception: compare it "
      "with no other FID)\n"
      "  samples                            {:.3f}\n"
      "  other real pictures                {:.3f}\n"
      "  mean of the class and noise        {:.3f}\n",
      evaluation.real, features, samples, second_half, baseline);
  return text;
}

std::string to_json(const GenerationEvaluation& evaluation) {
  Json classes = Json::object();
  for (std::size_t i = 0; i < evaluation.classes.size(); ++i)
    classes[evaluation.classes[i]] = json_of(evaluation.recognised_of_class[i]);
  Json object = {{"task", "image-generate"},       {"samples", evaluation.samples},
                 {"real", evaluation.real},        {"recognised", json_of(evaluation.recognised)},
                 {"recognised_of_class", classes}, {"recognised_real", evaluation.recognised_real},
                 {"frechet_distance", nullptr}};
  if (evaluation.distances)
    object["frechet_distance"] = {{"features", evaluation.distances->features},
                                  {"samples", evaluation.distances->samples},
                                  {"second_half", evaluation.distances->second_half},
                                  {"baseline", evaluation.distances->baseline}};
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace attend::task

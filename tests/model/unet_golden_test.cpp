// U-Nets against PyTorch: tests/golden/make_unet.py says what is in the file.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "attend/autograd/tape.h"
#include "attend/io/safetensors.h"
#include "attend/model/unet.h"
#include "attend/op/cross_entropy.h"
#include "support/compare.h"

namespace attend {
namespace {

std::map<std::string, Tensor> unet_golden(const std::string& prefix) {
  static const auto file = io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/unet.safetensors");
  std::map<std::string, Tensor> result;
  for (const auto& entry : file.entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
    result.emplace(entry.name.substr(prefix.size()), tensor);
  }
  return result;
}

/// The trainable parameters or the others in one row, sorted by their names; of gradients, if `of_gradients`.
Tensor row_of(const model::UNet& model, bool trainable, bool of_gradients = false) {
  std::map<std::string, Tensor> sorted;
  for (const auto& parameter : model.parameters())
    if (parameter.trainable == trainable)
      sorted.emplace(parameter.name, of_gradients ? autograd::grad(parameter.tensor) : parameter.tensor);
  std::vector<double> values;
  for (const auto& [name, tensor] : sorted) {
    const auto part = tensor.to_vector<double>();
    values.insert(values.end(), part.begin(), part.end());
  }
  const auto count = static_cast<std::int64_t>(values.size());
  return Tensor::from(values, {count});
}

void set_row(const model::UNet& model, const Tensor& row) {
  std::map<std::string, Tensor> sorted;
  for (const auto& parameter : model.parameters())
    if (parameter.trainable) sorted.emplace(parameter.name, parameter.tensor);
  const double* place = row.data<double>();
  for (const auto& [name, tensor] : sorted) {
    tensor.copy_from(Tensor::from(std::vector<double>(place, place + tensor.elements()), tensor.shape()));
    place += tensor.elements();
  }
  ASSERT_EQ(place, row.data<double>() + row.elements());
}

TEST(UNetGolden, LogitsLossAndGradientsEqualPyTorchs) {
  struct Precision {
    DType dtype;
    double tolerance;
  };
  using nn::FeatureNormKind;
  const model::UNetConfig narrow{.channels = 2, .classes = 3, .width = 2, .levels = 2, .norm_groups = 2};
  std::map<std::string, model::UNetConfig> networks = {
      {"gated", narrow}, {"plain", narrow}, {"residual", narrow}};
  networks.at("gated").levels = 3;
  networks.at("plain").gates = false;
  networks.at("plain").norm = networks.at("residual").norm = FeatureNormKind::batch;
  networks.at("residual").blocks = 2;
  for (const auto& [name, config] : networks) {
    const auto expected = unet_golden(name + "/");
    // Norms divide by deviations of few values: f32 keeps 7 digits, and loses two or three.
    for (const auto& [dtype, tolerance] : {Precision{DType::f64, 1e-11}, {DType::f32, 5e-4}}) {
      SCOPED_TRACE(std::string(name_of(dtype)) + " " + name);
      model::UNet model(config);
      model.cast_parameters(DType::f64);
      set_row(model, expected.at("parameters"));
      model.cast_parameters(dtype);
      const Tensor logits = model.logits(expected.at("pictures"), {.training = true});
      EXPECT_EQ(logits.dtype(), dtype);
      EXPECT_TRUE(test::close(logits.detach(), expected.at("logits"), tolerance, tolerance));
      const Tensor loss = op::cross_entropy(logits, expected.at("targets"));
      EXPECT_TRUE(test::close(loss.detach(), expected.at("loss"), tolerance, tolerance));
      autograd::backward(loss);
      EXPECT_TRUE(test::close(row_of(model, true, true), expected.at("gradients"), tolerance, tolerance));
      if (config.norm == FeatureNormKind::group) continue;
      EXPECT_TRUE(test::close(row_of(model, false), expected.at("running"), tolerance, tolerance));
      EXPECT_TRUE(test::close(model.logits(expected.at("pictures")).detach(), expected.at("inference"),
                              tolerance, tolerance));
    }
  }
}

}  // namespace
}  // namespace attend

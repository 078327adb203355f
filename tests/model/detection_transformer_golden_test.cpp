// Detection transformers against PyTorch: tests/golden/make_detection_transformer.py says what is in the
// file.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "attend/io/safetensors.h"
#include "attend/model/detection_transformer.h"
#include "attend/op/shape.h"
#include "support/compare.h"

namespace attend {
namespace {

Tensor golden(const std::string& name) {
  static const auto file =
      io::SafetensorsFile::open(std::string(ATTEND_GOLDEN_DIR) + "/detection_transformer.safetensors");
  for (const auto& entry : file.entries()) {
    if (entry.name != name) continue;
    const Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    std::memcpy(tensor.raw(), entry.data.data(), entry.data.size());
    return tensor;
  }
  ADD_FAILURE() << "no " << name;
  return {};
}

/// Puts the numbers of a row into the parameters, sorted by their names.
void fill(nn::Module& module, const Tensor& row) {
  module.cast_parameters(DType::f64);
  std::map<std::string, Tensor> sorted;
  for (const auto& parameter : module.parameters()) sorted.emplace(parameter.name, parameter.tensor);
  std::int64_t next = 0;
  for (const auto& [name, tensor] : sorted) {
    tensor.copy_from(op::reshape(op::slice(row, 0, next, next + tensor.elements()), tensor.shape()));
    next += tensor.elements();
  }
  ASSERT_EQ(next, row.elements());
}

TEST(DetectionTransformerGolden, PredictsWhatPyTorchPredicts) {
  for (const auto query_attention : {model::QueryAttention::modulated, model::QueryAttention::plain}) {
    const std::string name = query_attention == model::QueryAttention::modulated ? "modulated/" : "plain/";
    model::DetectionTransformer detector(
        {.pyramid = {.channels = 1, .width = 2, .stages = 2, .levels = 2, .dim = 8},
         .classes = 2,
         .queries = 3,
         .groups = 1,
         .decoder_layers = 2,
         .heads = 2,
         .feed_forward = 6,
         .query_attention = query_attention});
    fill(detector, golden(name + "parameters"));
    const auto predictions = detector.predict(golden("pictures"));
    const Tensor logits = golden(name + "logits"), boxes = golden(name + "boxes");
    ASSERT_EQ(predictions.size(), 2u);
    for (std::int64_t layer = 0; layer < 2; ++layer) {
      const auto& found = predictions[static_cast<std::size_t>(layer)];
      const auto expected = [&](const Tensor& x) { return op::slice(x, 0, layer, layer + 1); };
      EXPECT_TRUE(
          test::close(op::reshape(found.logits.detach(), {1, 2, 3, 3}), expected(logits), 1e-9, 1e-9));
      EXPECT_TRUE(test::close(op::reshape(found.boxes.detach(), {1, 2, 3, 4}), expected(boxes), 1e-9, 1e-9));
    }
  }
}

}  // namespace
}  // namespace attend

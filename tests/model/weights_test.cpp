#include "attend/model/weights.h"

#include <gtest/gtest.h>

#include <limits>

#include "attend/io/file.h"
#include "attend/io/safetensors.h"
#include "attend/model/gpt.h"
#include "attend/nn/batch_norm.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/temporary_folder.h"

namespace attend {
namespace {

using model::Gpt;

const model::GptConfig kTiny{.vocabulary = 5, .context = 4, .layers = 2, .heads = 2, .dim = 4};

bool same(const nn::Module& a, const nn::Module& b) {
  const auto x = a.parameters(), y = b.parameters();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!test::same_bits(x[i].tensor, y[i].tensor)) return false;
  return !x.empty() && x.size() == y.size();
}

TEST(Weights, FilesHoldEveryParameterByItsName) {
  const test::TemporaryFolder folder;
  const Gpt gpt(kTiny, 1);
  save_parameters(gpt, folder / "model.safetensors", {{"format", "attend"}});
  const auto file = io::SafetensorsFile::open(folder / "model.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "attend");
  EXPECT_EQ(file.names().size(), gpt.parameters().size());
  EXPECT_EQ(file.at("blocks.0.attention.qkv.weight").shape, (std::vector<std::int64_t>{12, 4}));
  for (const char* name :
       {"token_embedding.weight", "position_embedding.weight", "blocks.1.attention_norm.bias",
        "blocks.1.attention.output.bias", "blocks.0.feed_forward_norm.weight",
        "blocks.0.feed_forward.inner.weight", "blocks.1.feed_forward.output.weight", "norm.weight"})
    EXPECT_NE(file.find(name), nullptr) << name;
  EXPECT_EQ(file.find("output_embedding.weight"), nullptr);  // tied
}

TEST(Weights, LoadGivesTheBitsThatWereSaved) {
  const test::TemporaryFolder folder;
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
    Gpt from(kTiny, 1), into(kTiny, 2);
    from.cast_parameters(dtype);
    into.cast_parameters(dtype);
    ASSERT_FALSE(same(from, into));
    save_parameters(from, folder / "model.safetensors");
    load_parameters(into, folder / "model.safetensors");
    EXPECT_TRUE(same(from, into)) << name_of(dtype);
  }
}

TEST(Weights, FilesHoldBuffers) {
  const test::TemporaryFolder folder;
  nn::BatchNorm from(3), into(3);
  const Tensor x = test::random_tensor({5, 3}, DType::f32, 4);
  from.forward(x, {.training = true});
  ASSERT_FALSE(same(from, into));
  model::save_parameters(from, folder / "model.safetensors");
  const auto file = io::SafetensorsFile::open(folder / "model.safetensors");
  EXPECT_NE(file.find("running_mean"), nullptr);
  EXPECT_NE(file.find("running_variance"), nullptr);
  model::load_parameters(into, folder / "model.safetensors");
  EXPECT_TRUE(same(from, into));
  EXPECT_TRUE(test::same_bits(from.forward(x, {}).detach(), into.forward(x, {}).detach()));
}

TEST(Weights, BadFilesAreNamedAndChangeNothing) {
  const test::TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  Gpt gpt(kTiny, 1);
  const Gpt untouched(kTiny, 1);
  EXPECT_ERROR(load_parameters(gpt, path), "model.safetensors");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const Gpt broken(kTiny, 2);
    broken.parameters().back().tensor.data<float>()[3] = bad;
    save_parameters(broken, path);
    EXPECT_ERROR(load_parameters(gpt, path),
                 "model.safetensors: tensor 'norm.bias' holds a value that is not a finite");
  }
  model::GptConfig other = kTiny;
  other.layers = 1;
  save_parameters(Gpt(other, 2), path);
  EXPECT_ERROR(load_parameters(gpt, path), "no tensor 'blocks.1.");
  other.layers = 3;
  save_parameters(Gpt(other, 2), path);
  EXPECT_ERROR(load_parameters(gpt, path), "is not a parameter of the model");
  other = kTiny;
  other.vocabulary = 6;
  save_parameters(Gpt(other, 2), path);
  EXPECT_ERROR(load_parameters(gpt, path),
               "'token_embedding.weight' has shape [6, 4]; the model needs [5, 4]");
  const std::string whole = io::read_file(path);
  io::write_file_atomically(path, whole.substr(0, whole.size() - 1));
  EXPECT_ERROR(load_parameters(gpt, path), "model.safetensors");
  EXPECT_TRUE(same(gpt, untouched));
  EXPECT_ERROR(save_parameters(gpt, folder / "missing" / "model.safetensors"), "missing");
}

}  // namespace
}  // namespace attend

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/model/residual_cnn.h"
#include "attend/model/vision_transformer.h"
#include "attend/op/cross_entropy.h"
#include "attend/task/image_classify.h"
#include "attend/train/optimizer.h"
#include "backend/convolution.h"
#include "cli/bench/attention_case.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

namespace {

struct Pictures {
  std::int64_t batch, side, channels, classes;
};

// One update of the weights, as a training takes it.
class Step {
 public:
  Step(const model::ImageClassifier& model, const Pictures& p, DType dtype)
      : model_(model),
        dtype_(dtype),
        pictures_(random_tensor({p.batch, p.side, p.side, p.channels}, DType::f32, 1)),
        optimizer_(model.parameters()) {
    // What the classes are does not change the work.
    std::vector<std::int32_t> classes(static_cast<std::size_t>(p.batch));
    for (std::size_t i = 0; i < classes.size(); ++i)
      classes[i] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) % p.classes);
    targets_ = Tensor::from(classes, {p.batch});
  }

  void operator()() {
    Generator random(1);
    const nn::Run run = {.training = true, .random = &random, .compute = dtype_};
    autograd::backward(op::cross_entropy(model_.logits(pictures_, run), targets_));
    const double norm = train::gradient_norm(optimizer_.parameters());
    optimizer_.step(1e-4, std::min(1.0, 1.0 / norm));
    for (const auto& parameter : optimizer_.parameters()) autograd::clear_grad(parameter.tensor);
  }

 private:
  const model::ImageClassifier& model_;
  DType dtype_;
  Tensor pictures_, targets_;
  train::AdamW optimizer_;
};

// The convolutions of a training step and nothing else: forward and both gradients of each.
class Convolutions {
 public:
  Convolutions(const model::ResidualCnn& cnn, const Pictures& p, DType dtype) {
    for (const auto& size : cnn.convolutions(p.side, p.side)) {
      const std::int64_t rows = (size.height - 1) / size.stride + 1,
                         columns = (size.width - 1) / size.stride + 1;
      const Shape weights = {size.out, size.in, size.kernel, size.kernel};
      flops_ += static_cast<double>(p.batch) * size.flops() * (cases_.empty() ? 2 : 3);
      cases_.push_back({.shape = {.batch = p.batch,
                                  .in = size.in,
                                  .out = size.out,
                                  .size = {size.height, size.width},
                                  .kernel = {size.kernel, size.kernel},
                                  .stride = {size.stride, size.stride},
                                  .padding = {size.kernel / 2, size.kernel / 2},
                                  .out_size = {rows, columns}},
                        .x = random_tensor({p.batch, size.height, size.width, size.in}, dtype, 1),
                        .y = random_tensor({p.batch, rows, columns, size.out}, dtype, 2),
                        .weight = random_tensor(weights, dtype, 3),
                        .weight_gradient = Tensor::empty(weights)});
    }
  }

  void operator()() const {
    for (const Case& one : cases_) backend::convolution(one.shape, one.x, one.weight, {}, one.y);
    for (const Case& one : cases_) {
      backend::convolution_weight_gradient(one.shape, one.x, one.y, one.weight_gradient);
      // Nobody asks for the gradient of the pictures.
      if (&one != &cases_.front()) backend::convolution_input_gradient(one.shape, one.y, one.weight, one.x);
    }
  }

  double flops() const { return flops_; }

 private:
  struct Case {
    backend::ConvolutionShape shape;
    Tensor x, y, weight, weight_gradient;
  };
  std::vector<Case> cases_;
  double flops_ = 0;
};

void report_step(Record record, const Pictures& p, double flops, double limit, const Report& report) {
  record.gflops = flops / record.ms * 1e-6;
  record.limit_gflops = limit;
  record.fraction = *record.gflops / limit;
  record.pictures_per_second = static_cast<double>(p.batch) / record.ms * 1e3;
  record.peak_bytes = memory_use().peak;
  report(record);
}

void bench_cnn(DType dtype, const Options& options, const Report& report) {
  constexpr Pictures p = {.batch = 128, .side = 28, .channels = 1, .classes = 10};
  model::ResidualCnnConfig config = task::image_classify_preset("small").model.cnn;
  config.channels = p.channels;
  config.classes = p.classes;
  const model::ResidualCnn cnn(config, 1);
  Step step(cnn, p, dtype);
  const Convolutions convolutions(cnn, p, dtype);
  reset_peak_memory();
  const std::vector<Timing> timings =
      time_in_turn({[&] { step(); }, [&] { convolutions(); }}, 2 * options.seconds);
  report_step(record_of("train_cnn", dtype,
                        fmt::format("{0} x {0} x {1} W {2} B {3}", p.side, p.channels, config.width, p.batch),
                        timings[0]),
              p, convolutions.flops(), convolutions.flops() / timings[1].best * 1e-9, report);
}

void bench_vit(DType dtype, const Options& options, const Report& report) {
  constexpr Pictures p = {.batch = 64, .side = 32, .channels = 3, .classes = 10};
  const model::VisionTransformerConfig config = {.height = p.side,
                                                 .width = p.side,
                                                 .channels = p.channels,
                                                 .classes = p.classes,
                                                 .patch = 4,
                                                 .layers = 9,
                                                 .heads = 3,
                                                 .dim = 192};
  const model::VisionTransformer vit(config, 1);
  Step step(vit, p, dtype);
  const double limit = matmul_limit(dtype, options.seconds);
  reset_peak_memory();
  const Timing timing = time([&] { step(); }, 2 * options.seconds);
  report_step(record_of("train_vit", dtype,
                        fmt::format("{0} x {0} x {1} P {2} d {3} L {4} B {5}", p.side, p.channels,
                                    config.patch, config.dim, config.layers, p.batch),
                        timing),
              p, vit.training_flops() * static_cast<double>(p.batch), limit, report);
}

}  // namespace

void bench_image(const Options& options, const Report& report) {
  for (const DType dtype : options.dtypes) {
    bench_cnn(dtype, options, report);
    bench_vit(dtype, options, report);
  }
}

}  // namespace attend::cli::bench

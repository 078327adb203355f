// A video as a folder of frames: which of them decided? Each frame becomes a vector by two convolutions,
// attention weighs the vectors, and their mean tells what happens in the video: a cross lights up in one
// frame, or a ring, or nothing does. The frames with the largest weights are the key frames.
//
//   example_video [FOLDER]    where the frames of the last video are written and read again (video_frames)
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "attend/attend.h"

using attend::Tensor;
namespace fs = std::filesystem;
namespace op = attend::op;

constexpr std::int64_t kFrames = 12, kSide = 16, kDim = 16;
Tensor relu(const Tensor& x) {
  return op::activate(x, attend::Activation::relu);
}

constexpr const char* kEvents[] = {"nothing", "a cross", "a ring"};

struct Video {
  std::vector<attend::io::Image> frames = {};
  std::int32_t event = 0;
  std::size_t when = 0;  // the frame of the event
};

// Noise, a dot that wanders, and the event.
Video make_video(attend::Generator& random) {
  Video video{.event = static_cast<std::int32_t>(random.below(3)), .when = random.below(kFrames)};
  double x = 3 + 10 * random.uniform(), y = 3 + 10 * random.uniform();
  const double middle_x = 4 + 8 * random.uniform(), middle_y = 4 + 8 * random.uniform();
  for (std::size_t frame = 0; frame < kFrames; ++frame) {
    x = std::clamp(x + 3 * random.uniform() - 1.5, 1.0, 14.0);
    y = std::clamp(y + 3 * random.uniform() - 1.5, 1.0, 14.0);
    attend::io::Image image{.height = kSide, .width = kSide, .channels = 1};
    for (int row = 0; row < kSide; ++row) {
      for (int column = 0; column < kSide; ++column) {
        const double across = std::abs(column - middle_x), down = std::abs(row - middle_y),
                     distance = std::hypot(across, down);
        bool lit = std::hypot(column - x, row - y) < 1.2;
        if (frame == video.when && video.event == 1)
          lit = lit || (distance < 3.5 && std::min(across, down) < 0.8);
        if (frame == video.when && video.event == 2) lit = lit || std::abs(distance - 3) < 0.6;
        image.pixels.push_back(static_cast<std::uint8_t>(40 * random.uniform() + (lit ? 200 : 0)));
      }
    }
    video.frames.push_back(image);
  }
  return video;
}

// The pictures of a folder by name, as tools that cut videos write them.
std::vector<attend::io::Image> read_frames(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".png") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<attend::io::Image> frames = {};
  for (const fs::path& file : files) frames.push_back(attend::io::read_image(file, {.channels = 1}));
  return frames;
}

class VideoModel : public attend::nn::Module {
 public:
  explicit VideoModel(attend::Generator& random)
      : edges_(1, 8, {.kernel = 3, .geometry = {.padding = 1}}, random),
        shapes_(8, kDim, {.kernel = 5, .geometry = {.stride = 2, .padding = 2}}, random),
        pooling_(attend::nn::PoolingKind::attention, kDim),
        head_(kDim, 3, {}, random) {
    add_child("edges", edges_);
    add_child("shapes", shapes_);
    add_child("pooling", pooling_);
    add_child("head", head_);
  }

  // Pixels [videos, kFrames, kSide, kSide, 1] to a vector of each frame, [videos, kFrames, kDim].
  Tensor features(const Tensor& pixels) const {
    const Tensor frames = op::reshape(pixels, {pixels.dim(0) * kFrames, kSide, kSide, 1});
    const Tensor found = relu(shapes_.forward(relu(edges_.forward(frames))));
    return op::reshape(op::maximum(found, {.axes = {1, 2}}), {pixels.dim(0), kFrames, kDim});
  }
  Tensor forward(const Tensor& pixels) const { return head_.forward(pooling_.forward(features(pixels))); }
  // The part of each frame in the answer, [videos, kFrames].
  Tensor weights(const Tensor& pixels) const { return pooling_.weights(features(pixels)); }

 private:
  attend::nn::Convolution edges_, shapes_;
  attend::nn::Pooling pooling_;
  attend::nn::Linear head_;
};

Tensor pixels_of(const std::vector<Video>& videos) {
  std::vector<float> values;
  for (const Video& video : videos)
    for (const attend::io::Image& frame : video.frames)
      for (const std::uint8_t pixel : frame.pixels) values.push_back(static_cast<float>(pixel) / 255);
  return Tensor::from(values, {static_cast<std::int64_t>(videos.size()), kFrames, kSide, kSide, 1});
}

std::size_t largest(const std::vector<float>& values, std::size_t begin, std::size_t count) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin);
  return static_cast<std::size_t>(std::max_element(first, first + static_cast<std::ptrdiff_t>(count)) -
                                  first);
}

int main(int argc, char** argv) {
  attend::set_threads(1);  // so small a model gains nothing from more
  attend::Generator random(1);
  const VideoModel model(random);
  attend::train::AdamW optimizer(model.parameters());
  for (int step = 0; step < 150; ++step) {
    std::vector<Video> videos;
    std::vector<std::int32_t> events;
    for (int i = 0; i < 16; ++i) {
      videos.push_back(make_video(random));
      events.push_back(videos.back().event);
    }
    attend::autograd::backward(
        op::cross_entropy(model.forward(pixels_of(videos)), Tensor::from(events, {16})));
    optimizer.step(/*learning_rate=*/1e-2);
    for (const auto& parameter : optimizer.parameters()) attend::autograd::clear_grad(parameter.tensor);
  }

  const attend::autograd::NoGrad no_grad;
  int right = 0, with_event = 0, found = 0;
  for (int i = 0; i < 200; ++i) {
    const Video video = make_video(random);
    const Tensor pixels = pixels_of({video});
    right += largest(model.forward(pixels).to_vector<float>(), 0, 3) == static_cast<std::size_t>(video.event);
    if (video.event == 0) continue;
    ++with_event;
    found += largest(model.weights(pixels).to_vector<float>(), 0, kFrames) == video.when;
  }
  std::printf(
      "of 200 new videos %d are told, and in %d of %d with an event its frame has the largest weight\n",
      right, found, with_event);

  Video last = make_video(random);
  while (last.event == 0) last = make_video(random);
  const fs::path folder = argc < 2 ? "video_frames" : argv[1];
  fs::create_directories(folder);
  for (std::size_t i = 0; i < last.frames.size(); ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "%03zu.png", i);
    const auto bytes = attend::io::encode_png(last.frames[i]);
    attend::io::write_file_atomically(folder / name,
                                      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  last.frames = read_frames(folder);
  const std::vector<float> weights = model.weights(pixels_of({last})).to_vector<float>();
  std::printf("a video with %s in frame %zu; the weights of its frames:\n", kEvents[last.event], last.when);
  for (std::size_t i = 0; i < weights.size(); ++i)
    std::printf("  %03zu.png  %.2f %s\n", i, weights[i],
                std::string(std::lround(40 * weights[i]), '#').c_str());
  return right > 180 && found > 9 * with_event / 10 ? 0 : 1;
}

#pragma once

#include <filesystem>

#include "attend/task/image_classify.h"

namespace attend::test {

/// A short training that learns to tell the quarters of write_quarters().
inline task::ImageClassifyJob tiny_classifier_job(const std::filesystem::path& pictures,
                                                  const std::filesystem::path& out) {
  task::ImageClassifyJob job;
  job.data = pictures;
  job.out = out;
  job.options.model.cnn = {.width = 4, .stages = 2, .blocks = 1};
  job.options.model.vit = {.layers = 1, .heads = 2, .dim = 8};
  job.options.batch = 16;
  job.options.steps = 60;
  job.options.evaluate_every = 20;
  job.options.learning_rate = 0.01;
  job.options.warmup = 4;
  job.options.crop_padding = 1;
  job.options.flip = false;
  job.options.precision = "f32";
  job.options.seed = 3;
  return job;
}

}  // namespace attend::test

#pragma once

#include "attend/attention/observe.h"
#include "attend/data/image_mask_pairs.h"
#include "attend/task/picture_segmenter.h"
#include "attend/tensor/tensor.h"

namespace attend::task {

/// Logits [height, width, classes] of a picture of any size: it is surrounded by its mean colour, on the
/// right and below, up to a multiple of the network's stride, and what was added is cut off again. `observer`
/// may be null.
Tensor pixel_logits(const model::UNet& model, const io::Image& picture, const data::PixelStatistics& pixels,
                    DType compute, attention::Observer* observer = nullptr);

/// The most likely class of each pixel.
io::Image most_likely(const Tensor& logits);

/// Throws Error when there is no pixel whose class is known.
SegmentEvaluation evaluate(const model::UNet& model, const data::ImageMaskPairs& pairs,
                           const data::PixelStatistics& pixels, DType compute);

}  // namespace attend::task

#include "task/image_classify/teacher.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "task/image_classify/evaluate.h"

namespace attend::task {

Teacher::Teacher(const std::filesystem::path& folder, const model::PictureShape& shape,
                 const std::vector<std::string>& classes, const data::PixelStatistics& pixels)
    : classifier_(folder),
      input_(classifier_.config(), shape, pixels, fmt::format("teacher {}", folder.string())) {
  if (classifier_.classes() != classes)
    throw Error(fmt::format("teacher {}: its classes are not those of the data", folder.string()));
}

std::vector<std::int64_t> Teacher::answers(const Tensor& pictures, DType compute) const {
  const autograd::NoGrad no_grad;
  const auto values = log_probabilities(classifier_.model(), input_.of(pictures), compute);
  const auto classes = static_cast<std::ptrdiff_t>(classifier_.classes().size());
  std::vector<std::int64_t> answers;
  for (auto row = values.begin(); row != values.end(); row += classes)
    answers.push_back(std::max_element(row, row + classes) - row);
  return answers;
}

}  // namespace attend::task

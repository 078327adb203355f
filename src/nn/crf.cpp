#include "attend/nn/crf.h"

#include <fmt/format.h>

#include "attend/base/error.h"

namespace attend::nn {

Crf::Crf(std::int64_t tags) {
  if (tags < 1) throw Error(fmt::format("a conditional random field of {} tags: at least 1 needed", tags));
  transitions_ = Tensor::zeros({tags, tags});
  start_ = Tensor::zeros({tags});
  end_ = Tensor::zeros({tags});
  // Scores of pairs are no weights of features: decay would pull forbidden pairs back.
  add_parameter("transitions", transitions_, false);
  add_parameter("start", start_, false);
  add_parameter("end", end_, false);
}

Tensor Crf::loss(const Tensor& emissions, const Tensor& tags, const Tensor& lengths,
                 op::Reduction reduction) const {
  return op::crf_negative_log_likelihood(scores(emissions), tags, lengths, reduction);
}

op::CrfPaths Crf::decode(const Tensor& emissions, const Tensor& lengths) const {
  return op::crf_decode(scores(emissions), lengths);
}

Tensor Crf::marginals(const Tensor& emissions, const Tensor& lengths) const {
  return op::crf_marginals(scores(emissions), lengths);
}

}  // namespace attend::nn

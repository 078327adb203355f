#include "attend/attention/mechanism.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"

namespace attend::attention {

namespace {

AttentionSpec plain(bool causal) {
  AttentionSpec spec;
  spec.place.mask = causal ? Place::Mask::causal : Place::Mask::none;
  return spec;
}

AttentionSpec with_score(const Score& score, bool causal) {
  AttentionSpec spec = plain(causal);
  spec.score = score;
  return spec;
}

AttentionSpec with_positions(Place::Positions positions, bool causal) {
  AttentionSpec spec = plain(causal);
  spec.place.positions = positions;
  return spec;
}

AttentionSpec with_weigh(const Weigh& weigh, bool causal) {
  AttentionSpec spec = plain(causal);
  spec.weigh = weigh;
  return spec;
}

AttentionSpec with_gather(Gather::Kind kind, bool causal) {
  AttentionSpec spec = plain(causal);
  spec.gather.kind = kind;
  return spec;
}

AttentionSpec with_fuse(const Fuse& fuse, bool causal) {
  AttentionSpec spec = plain(causal);
  spec.fuse = fuse;
  return spec;
}

void refuse_causal(std::string_view name, bool causal) {
  if (causal)
    throw Error(fmt::format("attention {} has no causal form: what it reads mixes all tokens", name));
}

}  // namespace

AttentionSpec scaled_dot(bool causal) {
  return plain(causal);
}
AttentionSpec dot(bool causal) {
  return with_score({.scale = 1}, causal);
}
AttentionSpec general(bool causal) {
  return with_score({.kind = Score::Kind::bilinear, .scale = 1}, causal);
}
AttentionSpec concat(bool causal) {
  return with_score({.kind = Score::Kind::additive}, causal);
}
AttentionSpec additive(bool causal) {
  return with_score({.kind = Score::Kind::additive}, causal);
}
AttentionSpec cosine(bool causal) {
  return with_score({.kind = Score::Kind::cosine}, causal);
}
AttentionSpec euclidean(bool causal) {
  return with_score({.kind = Score::Kind::euclidean}, causal);
}
AttentionSpec pearson(bool causal) {
  return with_score({.kind = Score::Kind::pearson}, causal);
}
AttentionSpec soft_cap(bool causal) {
  constexpr double kGemma = 50;
  return with_score({.soft_cap = kGemma}, causal);
}

AttentionSpec alibi(bool causal) {
  return with_positions(Place::Positions::alibi, causal);
}
AttentionSpec alibi_learned(bool causal) {
  return with_positions(Place::Positions::alibi_learned, causal);
}
AttentionSpec t5(bool causal) {
  AttentionSpec spec = with_positions(Place::Positions::buckets, causal);
  spec.score.scale = 1;
  return spec;
}
AttentionSpec shaw(bool causal) {
  return with_positions(Place::Positions::shaw, causal);
}
AttentionSpec transformer_xl(bool causal) {
  return with_positions(Place::Positions::transformer_xl, causal);
}
AttentionSpec adaptive_span(bool causal) {
  return with_positions(Place::Positions::span, causal);
}

AttentionSpec window(bool causal) {
  AttentionSpec spec = plain(causal);
  spec.place.window = 256;
  return spec;
}
AttentionSpec dilated(bool causal) {
  AttentionSpec spec = plain(causal);
  spec.place.window = 64;
  spec.place.dilation = 4;
  return spec;
}
AttentionSpec longformer(bool causal) {
  AttentionSpec spec = plain(causal);
  spec.place.window = 256;
  spec.place.global_tokens = 1;
  return spec;
}
AttentionSpec big_bird(bool causal) {
  AttentionSpec spec = plain(causal);
  spec.place.block = 64;
  return spec;
}
AttentionSpec prefix(bool) {
  AttentionSpec spec = plain(true);
  spec.place.prefix = 64;
  return spec;
}

AttentionSpec temperature(bool causal) {
  return with_weigh({.temperature = 2}, causal);
}
AttentionSpec sparsemax(bool causal) {
  return with_weigh({.kind = Weigh::Kind::sparsemax}, causal);
}
AttentionSpec entmax15(bool causal) {
  return with_weigh({.kind = Weigh::Kind::entmax15}, causal);
}
AttentionSpec sigmoid(bool causal) {
  // Of the paper, -log(keys), for sequences of a few hundred.
  constexpr double kKeys = 256;
  return with_weigh({.kind = Weigh::Kind::sigmoid, .sigmoid_bias = -std::log(kKeys)}, causal);
}
AttentionSpec top_k(bool causal) {
  return with_weigh({.kind = Weigh::Kind::top_k}, causal);
}
AttentionSpec hard(bool causal) {
  return with_weigh({.kind = Weigh::Kind::hard}, causal);
}
AttentionSpec gumbel(bool causal) {
  return with_weigh({.kind = Weigh::Kind::gumbel}, causal);
}
AttentionSpec reinforce(bool causal) {
  return with_weigh({.kind = Weigh::Kind::reinforce}, causal);
}
AttentionSpec sink(bool causal) {
  return with_weigh({.sink = true}, causal);
}
AttentionSpec talking_heads(bool causal) {
  return with_weigh({.talking_heads = true}, causal);
}

AttentionSpec kernelised(bool causal) {
  return with_gather(Gather::Kind::kernelised, causal);
}
AttentionSpec performer(bool causal) {
  return with_gather(Gather::Kind::performer, causal);
}
AttentionSpec linformer(bool causal) {
  refuse_causal("linformer", causal);
  return with_gather(Gather::Kind::linformer, false);
}
AttentionSpec nystrom(bool causal) {
  refuse_causal("nystrom", causal);
  return with_gather(Gather::Kind::nystrom, false);
}

AttentionSpec head_mean(bool causal) {
  return with_fuse({.kind = Fuse::Kind::mean}, causal);
}
AttentionSpec head_pool(bool causal) {
  return with_fuse({.kind = Fuse::Kind::pool}, causal);
}
AttentionSpec adaptive_heads(bool causal) {
  return with_fuse({.gate = true}, causal);
}

const std::vector<Mechanism>& mechanisms() {
  static const std::vector<Mechanism> table = {
      {"scaled_dot",
       {"vaswani"},
       "s = q . k / sqrt(d), w = softmax(s)",
       "Vaswani et al., \"Attention Is All You Need\", 2017",
       scaled_dot},
      {"dot",
       {"luong_dot"},
       "s = q . k",
       "Luong et al., \"Effective Approaches to Attention-based NMT\", 2015",
       dot},
      {"general",
       {"luong_general", "bilinear"},
       "s = q W k",
       "Luong et al., \"Effective Approaches to Attention-based NMT\", 2015",
       general},
      {"concat",
       {"luong_concat"},
       "s = u . tanh(W [q; k])",
       "Luong et al., \"Effective Approaches to Attention-based NMT\", 2015",
       concat},
      {"additive",
       {"bahdanau"},
       "s = u . tanh(W q + U k)",
       "Bahdanau et al., \"Neural Machine Translation by Jointly Learning to Align and Translate\", 2015",
       additive},
      {"cosine",
       {},
       "s = q . k / (|q| |k|) / t_h, t_h learned",
       "Liu et al., \"Swin Transformer V2\", 2022",
       cosine},
      {"euclidean",
       {},
       "s = -|q - k|^2 / sqrt(d)",
       "Kim et al., \"The Lipschitz Constant of Self-Attention\", 2021",
       euclidean},
      {"pearson",
       {},
       "s = sqrt(d) correlation(q, k)",
       "Pearson, \"Note on Regression and Inheritance\", 1895",
       pearson},
      {"soft_cap", {}, "s = c tanh(q . k / sqrt(d) / c)", "Gemma Team, \"Gemma 2\", 2024", soft_cap},
      {"alibi",
       {},
       "s = q . k / sqrt(d) - 2^(-8 h / heads) |p - j|",
       "Press et al., \"Train Short, Test Long\", 2022",
       alibi},
      {"alibi_learned",
       {},
       "s = q . k / sqrt(d) - m_h |p - j|, m learned",
       "Press et al., \"Train Short, Test Long\", 2022",
       alibi_learned},
      {"t5",
       {"buckets"},
       "s = q . k + b_h[bucket(j - p)], b learned",
       "Raffel et al., \"Exploring the Limits of Transfer Learning\", 2020",
       t5},
      {"shaw",
       {"relative"},
       "s = q . (k + a[clip(j - p)]) / sqrt(d), and v + b[clip(j - p)] is read; a, b learned",
       "Shaw et al., \"Self-Attention with Relative Position Representations\", 2018",
       shaw},
      {"transformer_xl",
       {},
       "s = ((q + u_h) . k + (q + v_h) . R_h r(p - j)) / sqrt(d), r sinusoids; u, v, R learned",
       "Dai et al., \"Transformer-XL\", 2019",
       transformer_xl},
      {"adaptive_span",
       {"span"},
       "w = m e^s / sum m e^s, m = clamp((R + z_h - |p - j|) / R, 0, 1), z learned",
       "Sukhbaatar et al., \"Adaptive Attention Span in Transformers\", 2019",
       adaptive_span},
      {"window", {}, "w = softmax(s) where |p - j| < window", "Beltagy et al., \"Longformer\", 2020", window},
      {"dilated",
       {},
       "w = softmax(s) where |p - j| < window * dilation is a multiple of dilation",
       "Beltagy et al., \"Longformer\", 2020",
       dilated},
      {"longformer",
       {},
       "w = softmax(s) where |p - j| < window, or p or j is a global token",
       "Beltagy et al., \"Longformer\", 2020",
       longformer},
      {"big_bird",
       {},
       "w = softmax(s) in blocks near the query, global ones and random ones",
       "Zaheer et al., \"Big Bird\", 2020",
       big_bird},
      {"prefix",
       {},
       "w = softmax(s) where j <= p or j < prefix",
       "Raffel et al., \"Exploring the Limits of Transfer Learning\", 2020",
       prefix},
      {"temperature",
       {},
       "w = softmax(s / t)",
       "Hinton et al., \"Distilling the Knowledge in a Neural Network\", 2015",
       temperature},
      {"sparsemax",
       {},
       "w = the nearest point of the simplex to s",
       "Martins and Astudillo, \"From Softmax to Sparsemax\", 2016",
       sparsemax},
      {"entmax15",
       {"entmax"},
       "w = max(0, s / 2 - t)^2, t such that sum w = 1",
       "Peters et al., \"Sparse Sequence-to-Sequence Models\", 2019",
       entmax15},
      {"sigmoid",
       {},
       "w = 1 / (1 + e^-(s + b))",
       "Ramapuram et al., \"Theory, Analysis, and Best Practices for Sigmoid Self-Attention\", 2024",
       sigmoid},
      {"top_k",
       {},
       "w = softmax(s) over the k largest s",
       "Gupta et al., \"Memory-efficient Transformers via Top-k Attention\", 2021",
       top_k},
      {"hard",
       {},
       "w = 1 for the largest s; gradient of softmax(s)",
       "Bengio et al., \"Estimating or Propagating Gradients Through Stochastic Neurons\", 2013",
       hard},
      {"gumbel",
       {},
       "w = softmax((s + g) / t), g Gumbel noise",
       "Jang et al., \"Categorical Reparameterization with Gumbel-Softmax\", 2017",
       gumbel},
      {"reinforce",
       {},
       "w = 1 for a key drawn with softmax(s); gradient by reward",
       "Xu et al., \"Show, Attend and Tell\", 2015",
       reinforce},
      {"sink",
       {},
       "w = e^s / (sum e^s + e^(sink_h)), sink learned",
       "Xiao et al., \"Efficient Streaming Language Models with Attention Sinks\", 2023",
       sink},
      {"talking_heads",
       {},
       "s and w mixed between heads: s' = P s, w' = Q softmax(s'); P, Q learned",
       "Shazeer et al., \"Talking-Heads Attention\", 2020",
       talking_heads},
      {"kernelised",
       {"linear"},
       "w = f(q) . f(k) / sum f(q) . f(k), f(x) = elu(x) + 1",
       "Katharopoulos et al., \"Transformers are RNNs\", 2020",
       kernelised},
      {"performer",
       {},
       "w = f(q) . f(k) / sum f(q) . f(k), f positive random features",
       "Choromanski et al., \"Rethinking Attention with Performers\", 2021",
       performer},
      {"linformer",
       {},
       "y = softmax(q (E k)^T / sqrt(d)) (F v), E and F learned",
       "Wang et al., \"Linformer\", 2020",
       linformer,
       false},
      {"nystrom",
       {"nystromformer"},
       "y = softmax(q k'^T) softmax(q' k'^T)^+ softmax(q' k^T) v, q' and k' landmarks",
       "Xiong et al., \"Nystromformer\", 2021",
       nystrom,
       false},
      {"head_mean",
       {},
       "y = mean over h of y_h",
       "Vaswani et al., \"Attention Is All You Need\", 2017",
       head_mean},
      {"head_pool",
       {},
       "y = sum over h of softmax(a)_h y_h, a learned",
       "Ahmed et al., \"Weighted Transformer Network for Machine Translation\", 2017",
       head_pool},
      {"adaptive_heads",
       {"gate"},
       "y_h = g_h(x) y_h, g a learned gate of each head and position",
       "Bondarenko et al., \"Quantizable Transformers\", 2023",
       adaptive_heads},
  };
  return table;
}

}  // namespace attend::attention

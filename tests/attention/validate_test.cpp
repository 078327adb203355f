// Every function that takes an AttentionSpec refuses the same numbers with the same words.

#include "attention/validate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "attend/attention/attend.h"
#include "attend/attention/cache.h"
#include "attend/attention/hops.h"
#include "attend/attention/parameters.h"
#include "attend/attention/recurrent.h"
#include "attend/attention/statistics.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Gather;
using attention::Place;
using attention::Weigh;

constexpr double kInfinity = std::numeric_limits<double>::infinity(),
                 kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

struct Bad {
  AttentionSpec spec;
  const char* message;
};

std::vector<Bad> bad_specs() {
  std::vector<Bad> all;
  const auto add = [&](const char* message, const auto& change) {
    Bad bad = {{}, message};
    change(bad.spec);
    all.push_back(bad);
  };
  using Spec = AttentionSpec;
  for (const auto& [value, message] : {std::pair{kNaN, "attention: scale nan given, a finite number needed"},
                                       {kInfinity, "scale inf given"}})
    add(message, [v = value](Spec& s) { s.score.scale = v; });
  for (const auto& [value, message] :
       {std::pair{-1.0, "attention: soft_cap -1 given, a finite number from 0 needed"},
        {kNaN, "soft_cap nan given"},
        {kInfinity, "soft_cap inf given"}})
    add(message, [v = value](Spec& s) { s.score.soft_cap = v; });
  for (const auto& [value, message] :
       {std::pair{0.0, "attention: temperature 0 given, a finite number above 0 needed"},
        {-2.0, "temperature -2 given"},
        {kNaN, "temperature nan given"},
        {kInfinity, "temperature inf given"}})
    add(message, [v = value](Spec& s) { s.weigh.temperature = v; });
  for (const auto& [value, message] :
       {std::pair{-0.1, "attention: dropout -0.1 given, a number from 0 and below 1 needed"},
        {1.0, "dropout 1 given"},
        {kNaN, "dropout nan given"}})
    add(message, [v = value](Spec& s) { s.weigh.dropout = v; });
  for (const auto& [value, message] :
       {std::pair{kInfinity, "sigmoid_bias inf given"}, {kNaN, "sigmoid_bias nan given"}})
    for (const Weigh::Kind kind : {Weigh::Kind::softmax, Weigh::Kind::sigmoid})
      add(message, [kind, v = value](Spec& s) {
        s.weigh.kind = kind;
        s.weigh.sigmoid_bias = v;
      });
  add("attention: count 0 given, 1 to 2147483647 needed", [](Spec& s) {
    s.weigh.kind = Weigh::Kind::top_k;
    s.weigh.count = 0;
  });
  for (const Weigh::Kind kind : {Weigh::Kind::sigmoid, Weigh::Kind::sparsemax})
    add("only the weights softmax and top_k have one", [kind](Spec& s) {
      s.weigh.kind = kind;
      s.weigh.sink = true;
    });
  add("attention: prefix -1 given, 0 to 2147483647 needed", [](Spec& s) { s.place.prefix = -1; });
  add("window -3 given", [](Spec& s) { s.place.window = -3; });
  add("window 9223372036854775807 given", [](Spec& s) { s.place.window = kHuge; });
  add("dilation 0 given, 1 to", [](Spec& s) { s.place.dilation = 0; });
  add("global_tokens -1 given", [](Spec& s) { s.place.global_tokens = -1; });
  add("block -4 given", [](Spec& s) { s.place.block = -4; });
  for (const auto& [field, message] : {std::pair{&Place::window_blocks, "window_blocks -1 given"},
                                       {&Place::global_blocks, "global_blocks -1 given"},
                                       {&Place::random_blocks, "random_blocks -1 given"}})
    add(message, [field = field](Spec& s) {
      s.place.block = 2;
      s.place.*field = -1;
    });
  add("bucket_count 7 given, an even number", [](Spec& s) {
    s.place.positions = Place::Positions::buckets;
    s.place.bucket_count = 7;
  });
  add("bucket_count 1 given, 2 to", [](Spec& s) {
    s.place.mask = Place::Mask::causal;
    s.place.positions = Place::Positions::buckets;
    s.place.bucket_count = 1;
  });
  add("bucket_distance 8 given, 9 to", [](Spec& s) {
    s.place.positions = Place::Positions::buckets;
    s.place.bucket_distance = 8;
  });
  add("clip 0 given, 1 to", [](Spec& s) {
    s.place.positions = Place::Positions::shaw;
    s.place.clip = 0;
  });
  for (const auto& [value, message] : {std::pair{0.0, "span_ramp 0 given"}, {kNaN, "span_ramp nan given"}})
    add(message, [v = value](Spec& s) {
      s.place.positions = Place::Positions::span;
      s.place.span_ramp = v;
    });
  add("grid_rows 0 given, 1 to", [](Spec& s) {
    s.place.positions = Place::Positions::grid;
    s.place.grid_rows = 0;
  });
  add("grid_columns 0 given, 1 to", [](Spec& s) {
    s.place.positions = Place::Positions::grid;
    s.place.grid_columns = 0;
  });
  add("span_limit 0 given, 1 to", [](Spec& s) {
    s.place.positions = Place::Positions::span;
    s.place.span_limit = 0;
  });
  for (const Gather::Kind kind : {Gather::Kind::performer, Gather::Kind::linformer, Gather::Kind::nystrom})
    add("features 0 given, 1 to", [kind](Spec& s) {
      s.gather.kind = kind;
      s.gather.features = 0;
    });
  add("iterations 0 given, 1 to", [](Spec& s) {
    s.gather.kind = Gather::Kind::nystrom;
    s.gather.iterations = 0;
  });
  add("performer attention needs a scale of at least 0, -1 given", [](Spec& s) {
    s.gather.kind = Gather::Kind::performer;
    s.score.scale = -1;
  });
  return all;
}

// What takes a spec and tensors, by name.
struct Entry {
  const char* name;
  std::function<void(const AttentionSpec&)> call;
};

std::vector<Entry> entries() {
  const Tensor x = test::random_tensor({1, 6, 2, 4}, DType::f32, 3),
               qkv = test::random_tensor({1, 6, 3, 2, 4}, DType::f32, 4);
  const auto cached = [x](const AttentionSpec& spec, std::int64_t queries) {
    attention::KeyValueCache cache(1, 6, 2, 4, DType::f32);
    cache.append(x, x);
    const Tensor newest = test::random_tensor({1, queries, 2, 4}, DType::f32, 5);
    attention::attend_cached(newest, cache, spec);
  };
  return {
      {"attend", [=](const AttentionSpec& s) { attention::attend(x, x, x, s); }},
      {"attend_packed", [=](const AttentionSpec& s) { attention::attend_packed(qkv, s); }},
      {"attend_composite", [=](const AttentionSpec& s) { attention::attend_composite(x, x, x, s); }},
      {"attend_hops", [=](const AttentionSpec& s) { attention::attend_hops(x, x, x, s, 2); }},
      {"attend_cached", [=](const AttentionSpec& s) { cached(s, 1); }},
      {"attend_cached of many", [=](const AttentionSpec& s) { cached(s, 6); }},
      {"weights", [=](const AttentionSpec& s) { attention::weights(x, x, s); }},
      {"weights_tile", [=](const AttentionSpec& s) { attention::weights_tile(x, x, s, {.last_query = 2}); }},
      {"statistics", [=](const AttentionSpec& s) { attention::statistics(x, x, s); }},
      {"initial_parameters",
       [](const AttentionSpec& s) {
         Generator random(1);
         attention::initial_parameters(s, {.heads = 2, .dim = 4, .keys = 6}, random);
       }},
  };
}

TEST(Validate, EveryEntryRefusesTheSameNumbersInTheSameWords) {
  for (const Bad& bad : bad_specs()) {
    const std::string expected = test::error_of([&] { attention::validate(bad.spec); });
    EXPECT_NE(expected.find(bad.message), std::string::npos) << expected << "\nexpected: " << bad.message;
    for (const Entry& entry : entries())
      EXPECT_EQ(test::error_of([&] { entry.call(bad.spec); }), expected) << entry.name << ": " << bad.message;
  }
}

TEST(Validate, RecurrentStatesRefuseTheSame) {
  AttentionSpec spec;
  spec.place.mask = Place::Mask::causal;
  spec.gather = {.kind = Gather::Kind::performer, .features = 0};
  EXPECT_ERROR(attention::RecurrentState(1, 1, 4, 4, DType::f32, spec), "features 0 given, 1 to");
  spec.gather.features = 4;
  spec.score.scale = kNaN;
  EXPECT_ERROR(attention::RecurrentState(1, 1, 4, 4, DType::f32, spec), "scale nan given");
}

TEST(Validate, TakesTheEndsOfEachRange) {
  AttentionSpec spec;
  spec.score.scale = -1;
  spec.weigh.dropout = 0.999;
  spec.weigh.temperature = 1e-3;
  spec.place = {.prefix = INT32_MAX, .window = INT32_MAX, .dilation = INT32_MAX, .global_tokens = INT32_MAX};
  EXPECT_NO_THROW(attention::validate(spec));
  EXPECT_NO_THROW(
      attention::validate(Place{.block = 1, .window_blocks = 0, .global_blocks = 0, .random_blocks = 0}));
  EXPECT_NO_THROW(attention::validate(
      Place{.positions = Place::Positions::buckets, .bucket_count = 4, .bucket_distance = 2}));
  // Numbers that no choice reads may be anything.
  EXPECT_NO_THROW(
      attention::validate(Place{.window_blocks = -1, .bucket_count = 0, .clip = 0, .span_ramp = 0}));
  for (const Entry& entry : entries()) EXPECT_NO_THROW(entry.call(spec)) << entry.name;
}

TEST(Validate, DocumentsOfKeysAloneAreRefusedByEveryEntry) {
  const Tensor x = test::random_tensor({1, 6, 2, 4}, DType::f32, 3);
  attention::Run run;
  run.key_documents = Tensor::zeros({1, 6}, DType::i32);
  const char* message = "key_documents given without documents";
  EXPECT_ERROR(attention::attend(x, x, x, {}, run), message);
  EXPECT_ERROR(attention::attend_composite(x, x, x, {}, run), message);
  EXPECT_ERROR(attention::weights(x, x, {}, run), message);
  EXPECT_ERROR(attention::statistics(x, x, {}, run), message);
}

}  // namespace
}  // namespace attend

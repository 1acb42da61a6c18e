#include "metrics/bucket.h"

#include <gtest/gtest.h>

#include <cmath>

namespace metrics {
namespace {

Bucket decoded(const Bucket& bucket) { return *Bucket::decode(bucket.encode()); }

TEST(Bucket, FewValuesHaveExactPercentiles) {
  Bucket bucket;
  for (int i = 1; i <= 11; ++i) bucket.add(i);
  for (const Bucket& b : {bucket, decoded(bucket)}) {
    EXPECT_EQ(b.statistics().sum, 66);
    EXPECT_EQ(b.average(), 6);
    EXPECT_EQ(b.percentile(0), 1);
    EXPECT_EQ(b.percentile(50), 6);
    EXPECT_EQ(b.percentile(90), 10);
    EXPECT_EQ(b.percentile(100), 11);
  }
}

TEST(Bucket, ManyValuesStayInBoundsAndNear) {
  Bucket bucket;
  for (int i = 1; i <= 100'000; ++i) bucket.add(i / 100.0);  // 0.01 to 1000
  EXPECT_LT(bucket.encode().size(), 3000U);
  for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0}) {
    const double wanted = percent * 10;
    EXPECT_NEAR(*bucket.percentile(percent), wanted, wanted * 0.07) << percent;
  }
}

TEST(Bucket, MergingIsTheSameAsAdding) {
  Bucket a, b, both;
  for (int i = 0; i < 5000; ++i) {
    const double value = std::pow(1.01, i % 900) - 3;
    (i % 3 == 0 ? a : b).add(value, i % 2 + 1);
    both.add(value, i % 2 + 1);
  }
  a.merge(decoded(b));
  EXPECT_EQ(a.statistics().count, both.statistics().count);
  EXPECT_NEAR(a.statistics().sum, both.statistics().sum, 1e-6 * both.statistics().sum);
  for (int percent = 0; percent <= 100; percent += 5)
    EXPECT_NEAR(*a.percentile(percent), *both.percentile(percent),
                0.1 * std::fabs(*both.percentile(percent)) + 1e-9)
        << percent;
}

TEST(Bucket, NegativeValuesAndZeroStandInOrder) {
  Bucket bucket;
  for (const double value : {-100.0, -1.0, 0.0, 1.0, 100.0}) bucket.add(value);
  EXPECT_EQ(bucket.percentile(20), -100);
  EXPECT_EQ(bucket.percentile(40), -1);
  EXPECT_EQ(bucket.percentile(60), 0);
  EXPECT_EQ(bucket.percentile(80), 1);
}

TEST(Bucket, StatisticsWithoutValuesHaveNoPercentiles) {
  Bucket bucket;
  bucket.add(Statistics{.count = 3, .sum = 6, .min = 2, .max = 2});
  EXPECT_EQ(bucket.percentile(50), 2);
  bucket.add(Statistics{.count = 2, .sum = 5, .min = 1, .max = 4});
  EXPECT_EQ(bucket.percentile(50), std::nullopt);
  EXPECT_EQ(decoded(bucket).percentile(50), std::nullopt);
  EXPECT_EQ(decoded(bucket).statistics().max, 4);
}

TEST(Bucket, OneValueTakesFewBytes) {
  Bucket bucket;
  bucket.add(1024, 500);
  EXPECT_EQ(bucket.encode().size(), 37U);
  EXPECT_EQ(decoded(bucket).percentile(50), 1024);
}

TEST(Bucket, RefusesWhatItDidNotWrite) {
  Bucket bucket;
  bucket.add(1);
  bucket.add(2);
  std::string bytes = bucket.encode();
  EXPECT_FALSE(Bucket::decode("").has_value());
  EXPECT_FALSE(Bucket::decode(bytes.substr(0, bytes.size() - 1)).has_value());
  bytes[0] = 9;
  EXPECT_FALSE(Bucket::decode(bytes).has_value());
}

}  // namespace
}  // namespace metrics

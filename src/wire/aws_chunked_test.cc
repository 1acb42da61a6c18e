#include "wire/aws_chunked.h"

#include <gtest/gtest.h>

namespace wire {
namespace {

api::Outcome<ChunkedBody> decode(std::string_view body,
                                 std::optional<std::uint64_t> length = std::nullopt) {
  return decode_aws_chunked(body, {.decoded_length = length});
}

TEST(AwsChunked, JoinsChunksAndReadsTrailers) {
  const auto body =
      decode("5\r\nhello\r\nA\r\n, world!!!\r\n0\r\nX-Amz-Checksum-CRC32: abc= \r\n\r\n", 15);
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->data, "hello, world!!!");
  ASSERT_EQ(body->trailers.size(), 1U);
  EXPECT_EQ(body->trailers[0].first, "x-amz-checksum-crc32");
  EXPECT_EQ(body->trailers[0].second, "abc=");
  EXPECT_TRUE(decode("0\r\n\r\n", 0));
  EXPECT_TRUE(decode("0\r\n", 0));
}

TEST(AwsChunked, RefusesWhatIsMalformed) {
  struct Case {
    const char* body;
    const char* code;
  };
  for (const Case& c : {
           Case{"", "IncompleteBody"},
           Case{"5\r\nhel", "IncompleteBody"},
           Case{"5\r\nhello", "IncompleteBody"},
           Case{"5\r\nhelloXX0\r\n\r\n", "InvalidChunkSizeError"},
           Case{"zz\r\nhello\r\n", "InvalidChunkSizeError"},
           Case{"-5\r\nhello\r\n", "InvalidChunkSizeError"},
           Case{"\r\n", "InvalidChunkSizeError"},
           Case{"ffffffffffffffffff\r\n", "InvalidChunkSizeError"},
           Case{"7fffffffffffffff\r\n", "InvalidChunkSizeError"},
           Case{"5;foo=bar\r\nhello\r\n0\r\n\r\n", "InvalidChunkSizeError"},
           Case{"0\r\nnocolon\r\n\r\n", "MalformedTrailerError"},
           Case{"0\r\n:x\r\n\r\n", "MalformedTrailerError"},
       }) {
    const auto body = decode(c.body);
    ASSERT_FALSE(body) << c.body;
    EXPECT_EQ(body.error().code, c.code) << c.body;
  }
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n", 4).error().code, "IncompleteBody");
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n", 6).error().code, "IncompleteBody");
}

// The example of AWS's signature documentation: 66,560 letters in two chunks.
TEST(AwsChunked, VerifiesThePublishedSignedChunks) {
  auth::ParsedSignature seed;
  seed.timestamp = "20130524T000000Z";
  seed.scope = "20130524/us-east-1/s3/aws4_request";
  seed.date = "20130524";
  seed.region = "us-east-1";
  seed.service = "s3";
  seed.signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  auth::SignatureVerifier keys;
  const std::string first(65'536, 'a');
  const std::string second(1'024, 'a');
  const auto body_with = [&](const std::string& data) {
    return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
           "\r\n" +
           data +
           "\r\n400;chunk-signature="
           "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
           "\r\n" +
           second +
           "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
           "\r\n\r\n";
  };
  const auto decode_signed = [&](const std::string& body) {
    auto verifier = keys.chunks(seed, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    return decode_aws_chunked(body, {.mode = auth::PayloadMode::kSignedChunks,
                                     .verifier = &verifier,
                                     .decoded_length = 66'560});
  };
  const auto good = decode_signed(body_with(first));
  ASSERT_TRUE(good) << good.error().code << good.error().message;
  EXPECT_EQ(good->data, first + second);

  std::string changed = first;
  changed[40'000] = 'b';
  const auto bad = decode_signed(body_with(changed));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, "SignatureDoesNotMatch");
}

TEST(Checksums, AcceptsWhatIsTrue) {
  const std::string body = "hello";
  for (const char* name : {"CRC32", "crc32c", "CRC64NVME", "SHA1", "sha256"}) {
    const std::string value = *checksum(name, body);
    const std::string header = "X-Amz-Checksum-" + std::string(name);
    const std::vector<auth::HeaderView> headers = {{header, value}};
    EXPECT_FALSE(verify_checksums(headers, body)) << name;
    const auto wrong = verify_checksums(headers, "other");
    ASSERT_TRUE(wrong) << name;
    EXPECT_EQ(wrong->code, "BadDigest");
  }
  EXPECT_EQ(*checksum("CRC32", body), "NhCmhg==");
  EXPECT_FALSE(checksum("MD5", body));
  const std::vector<auth::HeaderView> md5 = {{"Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="}};
  EXPECT_FALSE(verify_checksums(md5, body));
}

TEST(Checksums, RefusesInS3sWords) {
  struct Case {
    std::vector<auth::HeaderView> headers;
    const char* text;
  };
  for (const Case& c : {
           Case{{{"x-amz-checksum-crc32", "AAAAAA=="}},
                "BadDigest: The CRC32 you specified did not match the calculated checksum."},
           Case{{{"x-amz-checksum-sha256", "AAAA"}},
                "InvalidRequest: Value for x-amz-checksum-sha256 header is invalid."},
           Case{
               {{"x-amz-checksum-sha1", "AAAA"}, {"x-amz-checksum-crc32", "AAAA"}},
               "InvalidRequest: Expecting a single x-amz-checksum- header. Multiple checksum Types "
               "are not allowed."},
           Case{{{"Content-MD5", "__invalid__"}},
                "InvalidDigest: The Content-MD5 you specified was invalid."},
           Case{{{"Content-MD5", "CYketZBSTjX8czcs3cXVlg=="}},
                "BadDigest: The Content-MD5 you specified did not match what we received."},
           Case{{{"x-amz-trailer", "x-amz-checksum-crc32"}},
                "MalformedTrailerError: The request contained trailing data that was not "
                "well-formed or did not conform to our published schema."},
       }) {
    const auto wrong = verify_checksums(c.headers, "hello");
    ASSERT_TRUE(wrong) << c.text;
    EXPECT_EQ(wrong->code + ": " + wrong->message, c.text);
  }
}

}  // namespace
}  // namespace wire

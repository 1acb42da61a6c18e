#include <gmock/gmock.h>

#include "services/s3/fixture.h"
#include "wire/aws_chunked.h"

namespace services::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

class ObjectTest : public S3Test {
 protected:
  void SetUp() override { ASSERT_EQ(ask("PUT", "/bucket").status, 200); }
};

TEST_F(ObjectTest, PutAndGetKeepBodyAndHeaders) {
  const auto put = ask("PUT", "/bucket/a/b%20c",
                       {{"Content-Type", "text/plain"},
                        {"Content-Encoding", "gzip,aws-chunked"},
                        {"x-amz-meta-Who", "me"},
                        {"x-amz-tagging", "t=1"},
                        {"x-amz-checksum-crc32", "NhCmhg=="}},
                       "hello");
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(header(put, "ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(header(put, "x-amz-checksum-crc32"), "NhCmhg==");
  EXPECT_EQ(header(put, "x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_EQ(put.body, "");

  const auto get = ask("GET", "/bucket/a/b%20c", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(get.status, 200);
  EXPECT_EQ(get.body, "hello");
  EXPECT_EQ(header(get, "Content-Type"), "text/plain");
  EXPECT_EQ(header(get, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(get, "x-amz-meta-who"), "me");
  EXPECT_EQ(header(get, "x-amz-tagging-count"), "1");
  EXPECT_EQ(header(get, "Last-Modified"), "Fri, 15 Jan 2027 08:00:00 GMT");
  EXPECT_EQ(header(get, "x-amz-checksum-crc32"), "NhCmhg==");

  const auto head = ask("HEAD", "/bucket/a/b%20c");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(header(head, "Content-Length"), "5");
  EXPECT_EQ(header(head, "x-amz-checksum-crc32"), "(none)");
}

TEST_F(ObjectTest, EmptyBodiesAreObjectsToo) {
  EXPECT_EQ(header(ask("PUT", "/bucket/empty"), "ETag"), "\"d41d8cd98f00b204e9800998ecf8427e\"");
  const auto get = ask("GET", "/bucket/empty");
  EXPECT_EQ(get.status, 200);
  EXPECT_EQ(get.body, "");
  EXPECT_EQ(header(get, "Content-Length"), "0");
  EXPECT_EQ(header(get, "Content-Type"), "binary/octet-stream");
}

TEST_F(ObjectTest, RangesAnswerTheirPart) {
  ask("PUT", "/bucket/k", {}, "0123456789");
  const auto middle = ask("GET", "/bucket/k", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, "234");
  EXPECT_EQ(header(middle, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(ask("GET", "/bucket/k", {{"Range", "bytes=7-"}}).body, "789");
  EXPECT_EQ(ask("GET", "/bucket/k", {{"Range", "bytes=-2"}}).body, "89");
  EXPECT_EQ(ask("GET", "/bucket/k", {{"Range", "bytes=5-100"}}).body, "56789");
  EXPECT_EQ(ask("GET", "/bucket/k", {{"Range", "bytes=4-2"}}).body, "0123456789");
  const auto beyond = ask("GET", "/bucket/k", {{"Range", "bytes=10-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(element(beyond, "ActualObjectSize"), "10");
}

TEST_F(ObjectTest, ConditionsOfReads) {
  ask("PUT", "/bucket/k", {}, "hello");
  const std::string etag = "\"5d41402abc4b2a76b9719d911017c592\"";
  EXPECT_EQ(ask("GET", "/bucket/k", {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(ask("GET", "/bucket/k", {{"If-Match", "\"x\""}}).status, 412);
  const auto same = ask("GET", "/bucket/k", {{"If-None-Match", etag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(
      ask("GET", "/bucket/k", {{"If-Modified-Since", "Fri, 15 Jan 2027 08:00:00 GMT"}}).status,
      304);
  EXPECT_EQ(
      ask("GET", "/bucket/k", {{"If-Unmodified-Since", "Fri, 15 Jan 2027 07:59:59 GMT"}}).status,
      412);
}

TEST_F(ObjectTest, ConditionsOfWrites) {
  EXPECT_EQ(ask("PUT", "/bucket/k", {{"If-None-Match", "*"}}, "a").status, 200);
  const auto second = ask("PUT", "/bucket/k", {{"If-None-Match", "*"}}, "b");
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(element(second, "Condition"), "If-None-Match");
  EXPECT_EQ(ask("PUT", "/bucket/k", {{"If-None-Match", "\"x\""}}, "b").status, 501);
  EXPECT_EQ(ask("PUT", "/bucket/k", {{"If-Match", "\"x\""}}, "b").status, 412);
  EXPECT_EQ(element(ask("PUT", "/bucket/no", {{"If-Match", "\"x\""}}, "b"), "Code"), "NoSuchKey");
}

TEST_F(ObjectTest, MissingThingsHaveTheirNames) {
  EXPECT_EQ(element(ask("GET", "/bucket/none"), "Code"), "NoSuchKey");
  EXPECT_EQ(element(ask("GET", "/bucket/none"), "Key"), "none");
  EXPECT_EQ(element(ask("GET", "/nobucket/none"), "Code"), "NoSuchBucket");
  EXPECT_EQ(element(ask("PUT", "/nobucket/none"), "BucketName"), "nobucket");
  const auto head = ask("HEAD", "/bucket/none");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(ask("DELETE", "/bucket/none").status, 204);
}

TEST_F(ObjectTest, DeletingManyTellsWhatItDid) {
  ask("PUT", "/bucket/a", {}, "1");
  ask("PUT", "/bucket/b", {}, "1");
  const auto verbose = ask("POST", "/bucket?delete", {},
                           "<Delete><Object><Key>a</Key></Object><Object><Key>x</Key></Object>"
                           "</Delete>");
  EXPECT_EQ(verbose.status, 200);
  EXPECT_THAT(verbose.body, HasSubstr("<Deleted><Key>a</Key></Deleted>"));
  EXPECT_THAT(verbose.body, HasSubstr("<Deleted><Key>x</Key></Deleted>"));
  const auto quiet = ask("POST", "/bucket?delete", {},
                         "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>");
  EXPECT_THAT(quiet.body, Not(HasSubstr("Deleted>")));
  EXPECT_EQ(ask("GET", "/bucket/b").status, 404);
  const auto denied =
      ask(bob, "POST", "/bucket?delete", {}, "<Delete><Object><Key>b</Key></Object></Delete>");
  EXPECT_EQ(denied.status, 200);
  EXPECT_THAT(denied.body, HasSubstr("<Code>AccessDenied</Code>"));
}

TEST_F(ObjectTest, ListingsPageAndRollUp) {
  for (const char* key : {"a/1", "a/2", "b", "c d", "z"})
    ask("PUT", std::string("/bucket/") + (std::string(key) == "c d" ? "c%20d" : key), {}, "x");
  const auto first = ask("GET", "/bucket?list-type=2&delimiter=%2F&max-keys=2");
  EXPECT_EQ(element(first, "KeyCount"), "2");
  EXPECT_EQ(element(first, "IsTruncated"), "true");
  EXPECT_THAT(first.body, HasSubstr("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"));
  const auto rest = ask("GET",
                        "/bucket?list-type=2&delimiter=%2F&encoding-type=url&"
                        "continuation-token=" +
                            base::uri_encode(element(first, "NextContinuationToken")));
  EXPECT_EQ(element(rest, "Key"), "c%20d");
  EXPECT_EQ(element(rest, "IsTruncated"), "false");
  EXPECT_THAT(rest.body, Not(HasSubstr("<Prefix>a/")));
  const auto v1 = ask("GET", "/bucket?delimiter=%2F&max-keys=1");
  EXPECT_EQ(element(v1, "NextMarker"), "a/");
  EXPECT_EQ(element(ask("GET", "/bucket?marker=b"), "Key"), "c d");
  EXPECT_EQ(element(ask("GET", "/bucket?list-type=2&continuation-token=x"), "Code"),
            "InvalidArgument");
  const auto versions = ask("GET", "/bucket?versions");
  EXPECT_EQ(element(versions, "VersionId"), "null");
  const auto none = ask("GET", "/bucket?list-type=2&prefix=nope");
  EXPECT_EQ(element(none, "KeyCount"), "0");
}

TEST_F(ObjectTest, CopiesTakeOrReplaceMetadata) {
  ask("PUT", "/bucket/a", {{"x-amz-meta-m", "1"}, {"Content-Type", "text/css"}}, "hello");
  const auto copy = ask("PUT", "/bucket/b", {{"x-amz-copy-source", "bucket/a"}});
  EXPECT_EQ(copy.status, 200);
  EXPECT_EQ(element(copy, "ETag"), "&quot;5d41402abc4b2a76b9719d911017c592&quot;");
  EXPECT_EQ(header(ask("GET", "/bucket/b"), "x-amz-meta-m"), "1");
  ask("PUT", "/bucket/b",
      {{"x-amz-copy-source", "/bucket/a"},
       {"x-amz-metadata-directive", "REPLACE"},
       {"x-amz-meta-n", "2"}});
  const auto replaced = ask("GET", "/bucket/b");
  EXPECT_EQ(replaced.body, "hello");
  EXPECT_EQ(header(replaced, "x-amz-meta-m"), "(none)");
  EXPECT_EQ(header(replaced, "x-amz-meta-n"), "2");
  EXPECT_EQ(element(ask("PUT", "/bucket/a", {{"x-amz-copy-source", "bucket/a"}}), "Code"),
            "InvalidRequest");
  EXPECT_EQ(element(ask("PUT", "/bucket/c", {{"x-amz-copy-source", "bucket/no"}}), "Code"),
            "NoSuchKey");
}

// ---- uploads in parts

class MultipartTest : public ObjectTest {
 protected:
  std::string start(std::vector<wire::Header> headers = {}) {
    return element(ask("POST", "/bucket/big?uploads", std::move(headers)), "UploadId");
  }
  wire::HttpResponse part(const std::string& id, int number, std::string body) {
    return ask("PUT", "/bucket/big?partNumber=" + std::to_string(number) + "&uploadId=" + id, {},
               std::move(body));
  }
  wire::HttpResponse complete(const std::string& id, const std::string& parts) {
    return ask("POST", "/bucket/big?uploadId=" + id, {},
               "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>");
  }
  static std::string named(int number, const wire::HttpResponse& response) {
    return "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" +
           header(response, "ETag") + "</ETag></Part>";
  }
  const std::string kLarge = std::string(5UL << 20, 'a');
};

TEST_F(MultipartTest, PartsBecomeOneObjectWithTheChecksumOfTheWhole) {
  const std::string id = start({{"x-amz-checksum-algorithm", "CRC32"},
                                {"x-amz-checksum-type", "FULL_OBJECT"},
                                {"Content-Type", "text/plain"}});
  const auto one = part(id, 1, kLarge);
  const auto two = part(id, 2, "tail");
  const auto parts = ask("GET", "/bucket/big?uploadId=" + id);
  EXPECT_THAT(parts.body, HasSubstr("<PartNumber>2</PartNumber>"));
  EXPECT_THAT(ask("GET", "/bucket?uploads").body, HasSubstr(id));
  const auto done = complete(id, named(1, one) + named(2, two));
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_THAT(element(done, "ETag"), HasSubstr("-2&quot;"));
  const auto whole = wire::checksum("CRC32", kLarge + "tail");
  EXPECT_EQ(element(done, "ChecksumCRC32"), *whole);
  const auto get = ask("GET", "/bucket/big", {{"Range", "bytes=5242878-5242883"}});
  EXPECT_EQ(get.body, "aatail");
  EXPECT_EQ(ask("GET", "/bucket/big?partNumber=2").body, "tail");
  EXPECT_EQ(header(ask("HEAD", "/bucket/big?partNumber=1"), "x-amz-mp-parts-count"), "2");
  EXPECT_EQ(element(complete(id, named(1, one)), "Code"), "NoSuchUpload");
}

TEST_F(MultipartTest, EveryCrcJoins) {
  for (const std::string algorithm : {"CRC32", "CRC32C", "CRC64NVME"}) {
    const std::string id =
        start({{"x-amz-checksum-algorithm", algorithm}, {"x-amz-checksum-type", "FULL_OBJECT"}});
    const auto one = part(id, 1, kLarge);
    const auto two = part(id, 7, "the rest");
    const auto done = complete(id, named(1, one) + named(7, two));
    EXPECT_EQ(element(done, "Checksum" + algorithm),
              *wire::checksum(algorithm, kLarge + "the rest"));
  }
}

TEST_F(MultipartTest, WrongCompletionsAreRefused) {
  const std::string id = start();
  const auto one = part(id, 1, "small");
  const auto two = part(id, 2, "small");
  EXPECT_EQ(element(complete(id, named(1, one) + named(2, two)), "Code"), "EntityTooSmall");
  EXPECT_EQ(element(complete(id, named(2, two) + named(1, one)), "Code"), "InvalidPartOrder");
  EXPECT_EQ(element(complete(id, named(3, one)), "Code"), "InvalidPart");
  EXPECT_EQ(element(complete(id, ""), "Code"), "InvalidRequest");
  EXPECT_EQ(element(part(id, 10'001, "x"), "Code"), "InvalidArgument");
  EXPECT_EQ(element(part("nope", 1, "x"), "Code"), "NoSuchUpload");
  EXPECT_EQ(ask("DELETE", "/bucket/big?uploadId=" + id).status, 204);
  EXPECT_EQ(element(complete(id, named(1, one)), "Code"), "NoSuchUpload");
}

TEST_F(MultipartTest, PartsMayBeCopied) {
  ask("PUT", "/bucket/source", {}, "0123456789");
  const std::string id = start();
  const auto copied =
      ask("PUT", "/bucket/big?partNumber=1&uploadId=" + id,
          {{"x-amz-copy-source", "bucket/source"}, {"x-amz-copy-source-range", "bytes=2-5"}});
  ASSERT_EQ(copied.status, 200) << copied.body;
  const std::string etag = element(copied, "ETag");
  complete(id, "<Part><PartNumber>1</PartNumber><ETag>" + etag + "</ETag></Part>");
  EXPECT_EQ(ask("GET", "/bucket/big").body, "2345");
}

}  // namespace
}  // namespace services::s3

#include "wire/rest_codec.h"

#include <gtest/gtest.h>

#include "api/lambda/operations.h"
#include "api/s3/operations.h"
#include "wire/xml_codec.h"

namespace wire {
namespace {

namespace s3 = api::s3;
namespace lambda = api::lambda;

HttpRequest request_of(std::string method, std::string target, std::vector<Header> headers = {},
                       std::string body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

std::string name_of(const std::optional<RestMatch>& match) {
  return match ? std::string(match->operation->name) : "none";
}

TEST(UriPattern, TakesLabels) {
  const UriPattern pattern("/{Bucket}/{Key+}?acl");
  const auto labels = pattern.match_path("/b/a%20b//c%2Fd/");
  ASSERT_TRUE(labels);
  EXPECT_EQ(labels->at("Bucket"), "b");
  EXPECT_EQ(labels->at("Key"), "a b//c/d/");
  EXPECT_FALSE(pattern.match_path("/b"));
  EXPECT_FALSE(pattern.match_path("/b/"));
  EXPECT_TRUE(UriPattern("/{Bucket}").match_path("/b/"));
  EXPECT_FALSE(UriPattern("/{Bucket}").match_path("/"));
  EXPECT_TRUE(UriPattern("/").match_path("/"));
}

TEST(RestRouter, TellsS3sOperationsApart) {
  const RestRouter router(s3::operations());
  struct Case {
    const char* method;
    const char* target;
    const char* operation;
  };
  for (const Case& c : {
           Case{"GET", "/", "ListBuckets"},
           Case{"PUT", "/b", "CreateBucket"},
           Case{"PUT", "/b/", "CreateBucket"},
           Case{"GET", "/b", "ListObjects"},
           Case{"GET", "/b?list-type=2&prefix=a", "ListObjectsV2"},
           Case{"GET", "/b?list-type=1", "ListObjects"},
           Case{"GET", "/b?location", "GetBucketLocation"},
           Case{"GET", "/b?location=", "GetBucketLocation"},
           Case{"GET", "/b?website", "none"},
           Case{"PUT", "/b?replication", "none"},
           Case{"GET", "/b?uploads", "ListMultipartUploads"},
           Case{"POST", "/b?delete", "DeleteObjects"},
           Case{"GET", "/b/k", "GetObject"},
           Case{"GET", "/b/k?acl", "GetObjectAcl"},
           Case{"GET", "/b/k?attributes", "GetObjectAttributes"},
           Case{"GET", "/b/k?uploadId=u", "ListParts"},
           Case{"GET", "/b/k?partNumber=1", "GetObject"},
           Case{"HEAD", "/b/k", "HeadObject"},
           Case{"HEAD", "/b", "HeadBucket"},
           Case{"PUT", "/b/k", "PutObject"},
           Case{"PUT", "/b/k?x-id=PutObject", "PutObject"},
           Case{"PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"},
           Case{"POST", "/b/k?uploads", "CreateMultipartUpload"},
           Case{"POST", "/b/k?uploadId=u", "CompleteMultipartUpload"},
           Case{"DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"},
           Case{"DELETE", "/b/k", "DeleteObject"},
           Case{"PATCH", "/b/k", "none"},
       })
    EXPECT_EQ(name_of(router.find(request_of(c.method, c.target))), c.operation)
        << c.method << " " << c.target;

  const std::vector<Header> copy = {{"X-Amz-Copy-Source", "a/b"}};
  EXPECT_EQ(name_of(router.find(request_of("PUT", "/b/k", copy))), "CopyObject");
  EXPECT_EQ(name_of(router.find(request_of("PUT", "/b/k?partNumber=1&uploadId=u", copy))),
            "UploadPartCopy");
}

TEST(RestRouter, TellsLambdasOperationsApart) {
  const RestRouter router(lambda::operations());
  EXPECT_EQ(name_of(router.find(request_of("GET", "/2015-03-31/functions"))), "ListFunctions");
  EXPECT_EQ(name_of(router.find(request_of("GET", "/2015-03-31/functions/"))), "ListFunctions");
  const auto match = router.find(request_of(
      "POST",
      "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/invocations"));
  ASSERT_EQ(name_of(match), "Invoke");
  EXPECT_EQ(match->labels.at("FunctionName"), "arn:aws:lambda:us-east-1:1:function:f");
  EXPECT_EQ(name_of(router.find(
                request_of("GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL"))),
            "ListProvisionedConcurrencyConfigs");
  EXPECT_EQ(name_of(router.find(
                request_of("GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1"))),
            "GetProvisionedConcurrencyConfig");
  EXPECT_EQ(name_of(router.find(request_of("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a"))),
            "GetLayerVersionByArn");
  EXPECT_EQ(name_of(router.find(request_of("GET", "/2018-10-31/layers"))), "ListLayers");
  EXPECT_EQ(name_of(router.find(request_of("GET", "/nowhere"))), "none");
}

TEST(RestDecode, BindsPathQueryHeadersAndBlob) {
  const auto request = request_of("PUT", "/b/k%20y",
                                  {{"x-amz-meta-One", "1"},
                                   {"X-Amz-Meta-two", "2"},
                                   {"x-amz-meta-one", "3"},
                                   {"Content-Type", " text/plain "},
                                   {"content-length", "5"},
                                   {"Expires", "Mon, 23 Nov 2026 04:51:00 GMT"},
                                   {"x-amz-object-lock-retain-until-date", "2026-11-23T04:51:00Z"}},
                                  "hello");
  s3::PutObjectRequest input;
  const auto decoded =
      decode_rest(request, {{"Bucket", "b"}, {"Key", "k y"}}, s3::op::PutObject::info(), &input);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(input.bucket, "b");
  EXPECT_EQ(input.key, "k y");
  EXPECT_EQ(input.body, "hello");
  EXPECT_EQ(input.content_type, "text/plain");
  EXPECT_EQ(input.content_length, 5);
  EXPECT_EQ(*input.metadata, (std::map<std::string, std::string>{{"one", "1,3"}, {"two", "2"}}));
  EXPECT_EQ(input.object_lock_retain_until_date, base::from_epoch_ms(1'795'409'460'000));
}

TEST(RestDecode, BindsQueriesAndListsInHeaders) {
  s3::ListObjectsV2Request list;
  ASSERT_TRUE(decode_rest(request_of("GET", "/b?list-type=2&max-keys=10&prefix=a%2Bb+c&delimiter="),
                          {{"Bucket", "b"}}, s3::op::ListObjectsV2::info(), &list));
  EXPECT_EQ(list.max_keys, 10);
  EXPECT_EQ(list.prefix, "a+b c");
  EXPECT_EQ(list.delimiter, "");
  const auto bad = decode_rest(request_of("GET", "/b?list-type=2&max-keys=ten"), {{"Bucket", "b"}},
                               s3::op::ListObjectsV2::info(), &list);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, "InvalidArgument");
  EXPECT_EQ(bad.error().message, "Provided max-keys not an integer or within integer range");

  s3::GetObjectAttributesRequest attributes;
  ASSERT_TRUE(decode_rest(
      request_of("GET", "/b/k?attributes", {{"x-amz-object-attributes", "ETag, ObjectSize"}}), {},
      s3::op::GetObjectAttributes::info(), &attributes));
  EXPECT_EQ(*attributes.object_attributes, (std::vector<std::string>{"ETag", "ObjectSize"}));

  lambda::UntagResourceRequest untag;
  ASSERT_TRUE(decode_rest(request_of("DELETE", "/2017-03-31/tags/x?tagKeys=a&tagKeys=b"),
                          {{"Resource", "x"}}, lambda::op::UntagResource::info(), &untag));
  EXPECT_EQ(*untag.tag_keys, (std::vector<std::string>{"a", "b"}));
}

TEST(RestDecode, ReadsJsonAndXmlBodies) {
  lambda::PutFunctionConcurrencyRequest concurrency;
  ASSERT_TRUE(decode_rest(request_of("PUT", "/", {}, R"({"ReservedConcurrentExecutions":3})"),
                          {{"FunctionName", "f"}}, lambda::op::PutFunctionConcurrency::info(),
                          &concurrency));
  EXPECT_EQ(concurrency.function_name, "f");
  EXPECT_EQ(concurrency.reserved_concurrent_executions, 3);

  s3::PutBucketTaggingRequest tagging;
  ASSERT_TRUE(decode_rest(
      request_of("PUT", "/b?tagging", {},
                 "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"),
      {{"Bucket", "b"}}, s3::op::PutBucketTagging::info(), &tagging));
  EXPECT_EQ(tagging.tagging->tag_set->at(0).value, "v");
  const auto wrong = decode_rest(request_of("PUT", "/b?tagging", {}, "<Other/>"), {{"Bucket", "b"}},
                                 s3::op::PutBucketTagging::info(), &tagging);
  EXPECT_EQ(wrong.error().code, "MalformedXML");
}

TEST(RestEncode, WritesHeadersStatusAndPayload) {
  s3::GetObjectOutput object;
  object.body = "hello";
  object.content_type = "text/plain";
  object.e_tag = "\"x\"";
  object.last_modified = base::from_epoch_ms(1'795'409'460'000);
  object.metadata = std::map<std::string, std::string>{{"k", "v\r\nInjected: 1"}};
  const HttpResponse response = encode_rest(s3::op::GetObject::info(), &object);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(*response.find("content-type"), "text/plain");
  EXPECT_EQ(*response.find("etag"), "\"x\"");
  EXPECT_EQ(*response.find("last-modified"), "Mon, 23 Nov 2026 04:51:00 GMT");
  EXPECT_EQ(*response.find("x-amz-meta-k"), "v  Injected: 1");

  lambda::InvocationResponse invoked;
  invoked.status_code = 202;
  invoked.function_error = "Unhandled";
  invoked.payload = "{}";
  const HttpResponse answer = encode_rest(lambda::op::Invoke::info(), &invoked);
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(*answer.find("x-amz-function-error"), "Unhandled");
  EXPECT_EQ(answer.body, "{}");
}

TEST(RestEncode, WritesXmlAndJsonBodies) {
  s3::GetBucketLocationOutput location;
  location.location_constraint = "eu-west-1";
  EXPECT_EQ(encode_rest(s3::op::GetBucketLocation::info(), &location).body,
            std::string(kXmlDeclaration) +
                "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1"
                "</LocationConstraint>");
  const s3::ListBucketsOutput buckets;
  EXPECT_NE(encode_rest(s3::op::ListBuckets::info(), &buckets).body.find("<ListAllMyBucketsResult"),
            std::string::npos);
  const s3::DeleteObjectOutput deleted;
  const HttpResponse none = encode_rest(s3::op::DeleteObject::info(), &deleted);
  EXPECT_EQ(none.status, 204);
  EXPECT_EQ(none.body, "");
  lambda::Concurrency concurrency;
  concurrency.reserved_concurrent_executions = 3;
  const HttpResponse json = encode_rest(lambda::op::PutFunctionConcurrency::info(), &concurrency);
  EXPECT_EQ(json.body, R"({"ReservedConcurrentExecutions":3})");
  EXPECT_EQ(*json.find("content-type"), "application/json");
}

}  // namespace
}  // namespace wire

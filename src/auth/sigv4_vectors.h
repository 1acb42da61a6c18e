#pragma once

// Requests signed by botocore; written by make_sigv4_vectors.py.

#include <string_view>
#include <utility>
#include <vector>

namespace auth {

struct SignedVector {
  std::string_view name, service, method, path, query, body;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

inline constexpr std::string_view kVectorKey = "AKIAMILLRACE00000001";
inline constexpr std::string_view kVectorSecret = "only/for+tests/0123456789/abcdefghijABCD";
inline constexpr std::string_view kVectorToken =
    "FwoGZXIvYXdzE//////////wEaDH+token/with=signs+and/slashes==";

// Of an aws-chunked body whose seed signature is 64 zeros: two chunks, the empty one, the
// trailer.
inline constexpr std::string_view kVectorChunks[] = {
    "a4b3e03a70da38b041186693722389c16c4c42b2f91684cc4af537dbe13c53b3",
    "80f16c31061417d7f7d0619d5dab6c18ca5f396430c79635d41aa7463a61fedd",
    "4ca37dbeaf872b4dd54157a38971749ff89aa808c121d0d59bca7a66a9ae9cc0",
    "c1351939e452d022cd30a2d0a65e0f16e0a519129004b03efaa27279bbc06435"};

// clang-format off
inline const std::vector<SignedVector>& signed_vectors() {
  static const std::vector<SignedVector> kVectors = {
    {"json", "kinesis", "POST", "/", "", "{\"StreamName\":\"s\"}",
     {
      {"X-Amz-Target", "Kinesis_20131202.PutRecord"},
      {"Content-Type", "application/x-amz-json-1.1"},
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/kinesis/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=ea9113998a763617ebef06b9fc67d19dfd0c06b9580aa458e315c9a783d3d907"},
      {"Host", "kinesis.us-east-1.amazonaws.com"}}},
    {"json local port", "kinesis", "POST", "/", "", "{}",
     {
      {"X-Amz-Target", "Kinesis_20131202.PutRecord"},
      {"Content-Type", "application/x-amz-json-1.1"},
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/kinesis/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=bf607859a9a04c2aace179035e86527540fab4a8ff11f0959cdd2d8bd2267ee9"},
      {"Host", "127.0.0.1:4566"}}},
    {"json with token", "kinesis", "POST", "/", "", "{}",
     {
      {"X-Amz-Target", "Kinesis_20131202.PutRecord"},
      {"Content-Type", "application/x-amz-json-1.1"},
      {"X-Amz-Date", "20261123T050000Z"},
      {"X-Amz-Security-Token", "FwoGZXIvYXdzE//////////wEaDH+token/with=signs+and/slashes=="},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/kinesis/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=3c12eccab80fdea2f06d62e47d9db32820b3c96b79240cb37f37c1ac6e793345"},
      {"Host", "kinesis.us-east-1.amazonaws.com"}}},
    {"spaces in header", "kinesis", "POST", "/", "", "{}",
     {
      {"X-Amz-Target", "Kinesis_20131202.PutRecord"},
      {"Content-Type", "application/x-amz-json-1.1"},
      {"My-Header", "  a   b\t c  "},
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/kinesis/aws4_request, SignedHeaders=content-type;host;my-header;x-amz-date;x-amz-target, Signature=7fe3fd8736652f35d497b233469c537b49fb8ecfe8ce9fccccb21fbb1c36f201"},
      {"Host", "kinesis.us-east-1.amazonaws.com"}}},
    {"query protocol form", "iam", "POST", "/", "", "Action=GetUser&Version=2010-05-08",
     {
      {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=a1f188aaf221c000e8519e74f737233b3803ce587b1505af66dfdfbce2c3d674"},
      {"Host", "iam.amazonaws.com"}}},
    {"query protocol get", "sts", "GET", "/", "Version=2011-06-15&Action=GetCallerIdentity", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=a8f39b09d693ebb8e4a3fb6c256b1fc37dcb6623eb0e641f323c173018679447"},
      {"Host", "sts.amazonaws.com"}}},
    {"query order", "lambda", "GET", "/2015-03-31/functions/", "b=2&a=1&a-b=0&a=0&A=9&empty=&flag=", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=4e9b9f6ebf0f34dbf83792eec525f6f35e91c405d86d96167319757159cdd079"},
      {"Host", "127.0.0.1:4566"}}},
    {"query escapes", "lambda", "GET", "/x", "p=a%20b&q=%2Fslash%2F&u=%E6%97%A5%E6%9C%AC&tilde=~&eq=a%3Db", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=7f7f03fa3ecff400ecccb82bf9e931e6fd87f759070939fd011cd82b9e515e8d"},
      {"Host", "127.0.0.1:4566"}}},
    {"lambda arn in path", "lambda", "GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", "", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=8e37ccd4d9b3df0d1c292c33c74d5c443c0327b9eaeae24649b66fe99718f7a5"},
      {"Host", "127.0.0.1:4566"}}},
    {"dot segments", "lambda", "GET", "/a/./b/../c//d/", "", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=fa4319bbebe946acfd2ce9abed21511e5b49d25f35fcbeea192fb29115621525"},
      {"Host", "127.0.0.1:4566"}}},
    {"unicode path", "lambda", "GET", "/%E6%97%A5/%F0%9F%98%80", "", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=d25af4031ac8a9d86d1d595742b32985219403ecd172363f88b648eb7c1b47b2"},
      {"Host", "127.0.0.1:4566"}}},
    {"date header", "sts", "GET", "/", "Action=X", "",
     {
      {"Date", "Mon, 23 Nov 2026 05:00:00 -0000"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/sts/aws4_request, SignedHeaders=date;host, Signature=b805e735a86ba45daf35855c9616e5e0f4a7eb1e59f6aff45eb8579d850fa7ac"},
      {"Host", "sts.amazonaws.com"}}},
    {"put", "s3", "PUT", "/bucket/key", "", "hello",
     {
      {"x-amz-acl", "public-read"},
      {"X-Amz-Date", "20261123T050000Z"},
      {"X-Amz-Content-SHA256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date, Signature=fa194158d9df56934c4db79ca6249341a879db7bf06dca679e1b279bc7f78ebc"},
      {"Host", "127.0.0.1:4566"}}},
    {"s3 double slash", "s3", "GET", "/bucket//a//b/../c/.", "", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=207014c44814597dbcc96e0b4ff3728a6e9dbfac28313f48eaa18c79fa6de5ff"},
      {"Host", "127.0.0.1:4566"}}},
    {"s3 escapes", "s3", "GET", "/bucket/a%20b%2Bc%3D%26/%E6%97%A5%E6%9C%AC.txt", "list-type=2&prefix=x%2Fy%20z", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=30d1cd304d8633a32c1e682569eac88b0dbaa86078123b0e8fe2a7cf6942e938"},
      {"Host", "127.0.0.1:4566"}}},
    {"s3 as sent", "s3", "GET", "/bucket/it's(a)file!*", "prefix=a+b", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=be68f46dd59b67798cf964897d25ca003c35037a8c244e7c1357bfd99991c912"},
      {"Host", "127.0.0.1:4566"}}},
    {"s3 subresource", "s3", "GET", "/bucket", "acl", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=361a4bcd504fc1f2562f2b26425d0adfad05ad8935f18ebd2a94bfda520edffd"},
      {"Host", "127.0.0.1:4566"}}},
    {"s3 token", "s3", "GET", "/bucket/k", "", "",
     {
      {"X-Amz-Date", "20261123T050000Z"},
      {"X-Amz-Security-Token", "FwoGZXIvYXdzE//////////wEaDH+token/with=signs+and/slashes=="},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAMILLRACE00000001/20261123/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=4f966b0d0596c6c69bc825a8e139b212be537f38359e0624be4d3c4dd460cf7f"},
      {"Host", "127.0.0.1:4566"}}},
    {"presigned s3", "s3", "GET", "/bucket/a%20b", "versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAMILLRACE00000001%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T050000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=81fe07fdd2aa091c7c953e07fde191525054bff2e9066c2a9a58ff951e765f2f", "",
     {
      {"Host", "127.0.0.1:4566"}}},
    {"presigned s3 token", "s3", "PUT", "/bucket/k", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAMILLRACE00000001%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T050000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=FwoGZXIvYXdzE%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEaDH%2Btoken%2Fwith%3Dsigns%2Band%2Fslashes%3D%3D&X-Amz-Signature=d3e56f56ffac1508dff29ebcbb7746a0aa4c6e31a220b68ff368edef12007e73", "",
     {
      {"Host", "127.0.0.1:4566"}}},
    {"presigned s3 odd key", "s3", "GET", "/bucket//%E6%97%A5/x.txt", "response-content-type=text%2Fplain&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAMILLRACE00000001%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T050000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=785568ce0d4a285f38bba795e4448eb0e384da3529981ac5b2145d139dc4c920", "",
     {
      {"Host", "127.0.0.1:4566"}}},
    {"presigned sts", "sts", "GET", "/", "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAMILLRACE00000001%2F20261123%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261123T050000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=FwoGZXIvYXdzE%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEaDH%2Btoken%2Fwith%3Dsigns%2Band%2Fslashes%3D%3D&X-Amz-Signature=c99eb0c25e13f7659e2da3da32ec8bcee3db52250168efe46466ddc353633d7c", "",
     {
      {"Host", "sts.amazonaws.com"}}},
  };
  return kVectors;
}
// clang-format on

}  // namespace auth

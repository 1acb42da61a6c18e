#!/usr/bin/env python3
"""Writes sigv4_vectors.h: requests signed by botocore, which our verifier must accept.

    python3 src/auth/make_sigv4_vectors.py > src/auth/sigv4_vectors.h

Needs botocore. The time is fixed, so the output only changes with botocore's canonical forms.
"""

import datetime
import hashlib
import hmac
import json
import sys
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 11, 23, 5, 0, 0)
KEY, SECRET = "AKIAMILLRACE00000001", "only/for+tests/0123456789/abcdefghijABCD"
TOKEN = "FwoGZXIvYXdzE//////////wEaDH+token/with=signs+and/slashes=="


def freeze():
    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return NOW

        @classmethod
        def now(cls, tz=None):
            return NOW.replace(tzinfo=tz)

    botocore.auth.datetime.datetime = Frozen
    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: NOW


def quote(text):
    return json.dumps(text, ensure_ascii=True) if text.isascii() else '"%s"' % "".join(
        chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else "\\%03o" % b for b in text.encode())


def vector(name, signer, service, method, url, headers=None, body=b"", token=None,
           region="us-east-1", context=None):
    credentials = Credentials(KEY, SECRET, token)
    request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body)
    request.context.update(context or {})
    maker = getattr(botocore.auth, signer)
    presign = "Query" in signer
    auth = maker(credentials, service, region, expires=600) if presign else maker(
        credentials, service, region)
    auth.add_auth(request)
    parts = urlsplit(request.url)
    sent = [(k, v.decode() if isinstance(v, bytes) else str(v)) for k, v in request.headers.items()]
    if not any(k.lower() == "host" for k, _ in sent):
        host = parts.hostname
        if parts.port and (parts.scheme, parts.port) not in (("http", 80), ("https", 443)):
            host += ":%d" % parts.port
        sent.append(("Host", host))
    lines = ",\n".join("      {%s, %s}" % (quote(k), quote(v)) for k, v in sent)
    print("    {%s, %s, %s, %s, %s, %s,\n     {\n%s}}," % (
        quote(name), quote(service), quote(method), quote(parts.path), quote(parts.query),
        quote(body.decode()), lines))


def chunk_signatures():
    """The signatures of an aws-chunked body, from the definition: botocore only sends trailers."""
    key = ("AWS4" + SECRET).encode()
    for part in ("20261123", "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    common = "20261123T050000Z\n20261123/us-east-1/s3/aws4_request\n"
    empty = hashlib.sha256(b"").hexdigest()
    last, out = "0" * 64, []
    for data in (b"first chunk", b"second chunk", b""):
        text = "AWS4-HMAC-SHA256-PAYLOAD\n%s%s\n%s\n%s" % (
            common, last, empty, hashlib.sha256(data).hexdigest())
        last = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        out.append(last)
    trailer = hashlib.sha256(b"x-amz-checksum-crc32:AAAAAA==\n").hexdigest()
    text = "AWS4-HMAC-SHA256-TRAILER\n%s%s\n%s" % (common, last, trailer)
    out.append(hmac.new(key, text.encode(), hashlib.sha256).hexdigest())
    return out


def main():
    freeze()
    print('#pragma once\n\n// Requests signed by botocore; written by make_sigv4_vectors.py.\n')
    print('#include <string_view>\n#include <utility>\n#include <vector>\n\nnamespace auth {\n')
    print('struct SignedVector {\n  std::string_view name, service, method, path, query, body;\n'
          '  std::vector<std::pair<std::string_view, std::string_view>> headers;\n};\n')
    print('inline constexpr std::string_view kVectorKey = "%s";' % KEY)
    print('inline constexpr std::string_view kVectorSecret = "%s";' % SECRET)
    print('inline constexpr std::string_view kVectorToken = "%s";\n' % TOKEN)
    print("// Of an aws-chunked body whose seed signature is 64 zeros: two chunks, the empty one, the\n"
          "// trailer.")
    print("inline constexpr std::string_view kVectorChunks[] = {\n%s};\n" % ",\n".join(
        '    "%s"' % signature for signature in chunk_signatures()))
    print("// clang-format off\ninline const std::vector<SignedVector>& signed_vectors() {\n"
          "  static const std::vector<SignedVector> kVectors = {")
    target = {"X-Amz-Target": "Kinesis_20131202.PutRecord",
              "Content-Type": "application/x-amz-json-1.1"}
    kinesis = "https://kinesis.us-east-1.amazonaws.com/"
    local = "http://127.0.0.1:4566"
    v = vector
    v("json", "SigV4Auth", "kinesis", "POST", kinesis, target, b'{"StreamName":"s"}')
    v("json local port", "SigV4Auth", "kinesis", "POST", local + "/", target, b"{}")
    v("json with token", "SigV4Auth", "kinesis", "POST", kinesis, target, b"{}", token=TOKEN)
    v("spaces in header", "SigV4Auth", "kinesis", "POST", kinesis,
      {**target, "My-Header": "  a   b\t c  "}, b"{}")
    v("query protocol form", "SigV4Auth", "iam", "POST", "https://iam.amazonaws.com/",
      {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
      b"Action=GetUser&Version=2010-05-08")
    v("query protocol get", "SigV4Auth", "sts", "GET",
      "https://sts.amazonaws.com/?Version=2011-06-15&Action=GetCallerIdentity")
    v("query order", "SigV4Auth", "lambda", "GET",
      local + "/2015-03-31/functions/?b=2&a=1&a-b=0&a=0&A=9&empty=&flag=")
    v("query escapes", "SigV4Auth", "lambda", "GET",
      local + "/x?p=a%20b&q=%2Fslash%2F&u=%E6%97%A5%E6%9C%AC&tilde=~&eq=a%3Db")
    v("lambda arn in path", "SigV4Auth", "lambda", "GET",
      local + "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af")
    v("dot segments", "SigV4Auth", "lambda", "GET", local + "/a/./b/../c//d/")
    v("unicode path", "SigV4Auth", "lambda", "GET", local + "/%E6%97%A5/%F0%9F%98%80")
    v("date header", "SigV4Auth", "sts", "GET", "https://sts.amazonaws.com/?Action=X",
      {"Date": "Mon, 23 Nov 2026 05:00:00 GMT"})
    v("put", "S3SigV4Auth", "s3", "PUT", local + "/bucket/key", {"x-amz-acl": "public-read"},
      b"hello", context={"client_config": None})
    v("s3 double slash", "S3SigV4Auth", "s3", "GET", local + "/bucket//a//b/../c/.")
    v("s3 escapes", "S3SigV4Auth", "s3", "GET",
      local + "/bucket/a%20b%2Bc%3D%26/%E6%97%A5%E6%9C%AC.txt?list-type=2&prefix=x%2Fy%20z")
    v("s3 as sent", "S3SigV4Auth", "s3", "GET", local + "/bucket/it's(a)file!*?prefix=a+b")
    v("s3 subresource", "S3SigV4Auth", "s3", "GET", local + "/bucket?acl")
    v("s3 token", "S3SigV4Auth", "s3", "GET", local + "/bucket/k", token=TOKEN)
    v("presigned s3", "S3SigV4QueryAuth", "s3", "GET", local + "/bucket/a%20b?versionId=1")
    v("presigned s3 token", "S3SigV4QueryAuth", "s3", "PUT", local + "/bucket/k", token=TOKEN)
    v("presigned s3 odd key", "S3SigV4QueryAuth", "s3", "GET",
      local + "/bucket//%E6%97%A5/x.txt?response-content-type=text%2Fplain")
    v("presigned sts", "SigV4QueryAuth", "sts", "GET",
      "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15", token=TOKEN)
    print("  };\n  return kVectors;\n}\n// clang-format on\n\n}  // namespace auth")


if __name__ == "__main__":
    sys.exit(main())

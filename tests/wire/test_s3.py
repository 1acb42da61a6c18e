"""S3 through boto3, the AWS CLI, presigned URLs and strangers."""
import io
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def fetch(url, data=None, method="GET"):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_objects_come_back_with_what_was_said_of_them(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a/b c+ü.txt", Body=b"hello", ContentType="text/plain", Metadata={"k": "v"})
    got = s3.get_object(Bucket=bucket, Key="a/b c+ü.txt")
    assert got["Body"].read() == b"hello" and got["ContentType"] == "text/plain" and got["Metadata"] == {"k": "v"}
    assert got["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert s3.get_object(Bucket=bucket, Key="a/b c+ü.txt", Range="bytes=1-3")["Body"].read() == b"ell"


def test_listing_folds_folders_and_pages(s3, bucket):
    for key in ("a/1", "a/2", "b", "c/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in listed["CommonPrefixes"]] == ["a/", "c/"]
    assert [c["Key"] for c in listed["Contents"]] == ["b"]
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=3)
    assert first["IsTruncated"]
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [c["Key"] for c in rest["Contents"]] == ["c/1"]


def test_large_uploads_go_in_parts(s3, bucket):
    body = bytes(range(256)) * 4096 * 12
    s3.upload_fileobj(io.BytesIO(body), bucket, "big")
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ContentLength"] == len(body) and head["ETag"].endswith('-2"')
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == body


def test_presigned_urls_work_until_altered(server, bucket):
    s3 = server.client("s3", signature_version="s3v4")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "p"}, ExpiresIn=60)
    assert fetch(put, data=b"by url", method="PUT")[0] == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "p"}, ExpiresIn=60)
    assert fetch(get) == (200, b"by url")
    status, body = fetch(get.replace("/p?", "/q?"))
    assert status == 403 and b"SignatureDoesNotMatch" in body


def test_strangers_read_only_what_is_public(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="private", Body=b"x")
    s3.put_object(Bucket=bucket, Key="public", Body=b"y", ACL="public-read")
    status, body = fetch(f"{server.endpoint}/{bucket}/private")
    assert status == 403 and b"AccessDenied" in body
    assert fetch(f"{server.endpoint}/{bucket}/public") == (200, b"y")
    assert fetch(f"{server.endpoint}/{bucket}/public", data=b"z", method="PUT")[0] == 403


def test_errors_have_aws_names(s3, bucket, name):
    for call, code in ((lambda: s3.get_object(Bucket=bucket, Key="gone"), "NoSuchKey"),
                       (lambda: s3.list_objects_v2(Bucket="gone" + name), "NoSuchBucket"),
                       (lambda: s3.head_object(Bucket=bucket, Key="gone"), "404")):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == code


def test_the_cli_makes_copies_lists_and_removes(server, name, tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("from the command line")
    server.aws("s3", "mb", f"s3://{name}")
    server.aws("s3", "cp", file, f"s3://{name}/x/file.txt", "--acl", "public-read")
    assert "file.txt" in server.aws("s3", "ls", f"s3://{name}/x/").stdout
    assert server.aws("s3", "cp", f"s3://{name}/x/file.txt", "-").stdout == "from the command line"
    server.aws("s3", "rb", f"s3://{name}", "--force")
    assert name not in server.aws("s3", "ls").stdout

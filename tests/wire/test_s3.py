"""S3 through boto3, the AWS CLI, presigned URLs and strangers."""
import contextlib
import http.client
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def send(url, method="GET", data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    if data is not None and not headers:
        request.add_unredirected_header("Content-type", "")  # else urllib says it is a form
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def element(body, name):
    return xml.etree.ElementTree.fromstring(body).findtext(name)


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


# Signature Version 2 is what boto3 presigns with unless it is told a region that knows only Version 4.
def by_version_2(server, **config):
    return server.client("s3", signature_version="s3", **config)


def test_presigned_urls_of_version_2_put_and_get(server, s3, bucket):
    old = by_version_2(server)
    key = "a/ü 1+2.txt"
    put = old.generate_presigned_url("put_object", ExpiresIn=60, Params={
        "Bucket": bucket, "Key": key, "ContentType": "text/x-of-url", "ACL": "public-read",
        "Metadata": {"colour": "blue"}})
    assert "Signature=" in put and "X-Amz-Signature" not in put
    # A browser's or curl's upload: the type is the one that was signed.
    assert send(put, "PUT", b"by url", {"Content-Type": "text/x-of-url"})[0] == 200
    head = s3.head_object(Bucket=bucket, Key=key)
    assert head["ContentType"] == "text/x-of-url" and head["Metadata"] == {"colour": "blue"}
    assert send(f"{server.endpoint}/{bucket}/a/%C3%BC%201%2B2.txt")[2] == b"by url"  # public by its ACL
    get = old.generate_presigned_url("get_object", ExpiresIn=60, Params={
        "Bucket": bucket, "Key": key, "ResponseContentType": "text/html; charset=utf-8"})
    status, headers, body = send(get)
    assert (status, body, headers["Content-Type"]) == (200, b"by url", "text/html; charset=utf-8")
    listing = old.generate_presigned_url("list_objects", Params={"Bucket": bucket, "Prefix": "a/"})
    assert b"<Key>a/" in send(listing)[2]
    delete = old.generate_presigned_url("delete_object", Params={"Bucket": bucket, "Key": key})
    assert send(delete, "DELETE")[0] == 204


def test_presigned_urls_of_version_2_take_the_buckets_own_host(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"by host")
    port = server.endpoint.rsplit(":", 1)[1]
    old = boto3.client("s3", endpoint_url=f"http://localhost:{port}", region_name="us-east-1",
                       aws_access_key_id=server.environment["AWS_ACCESS_KEY_ID"],
                       aws_secret_access_key=server.environment["AWS_SECRET_ACCESS_KEY"],
                       config=botocore.config.Config(signature_version="s3", s3={"addressing_style": "virtual"}))
    url = urllib.parse.urlsplit(old.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    assert url.hostname == f"{bucket}.localhost" and url.path == "/k"
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)) as connection:
        connection.request("GET", f"{url.path}?{url.query}", headers={"Host": url.netloc})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"by host")


def test_version_2_signs_whole_sessions(server, s3, bucket):
    old = by_version_2(server)
    old.put_object(Bucket=bucket, Key="k", Body=b"header form")
    assert old.get_object(Bucket=bucket, Key="k")["Body"].read() == b"header form"
    assert old.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert old.get_object_acl(Bucket=bucket, Key="k")["Grants"]
    with pytest.raises(ClientError) as caught:
        server.client("s3", signature_version="s3", secret="w" * 40).list_buckets()
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_version_2_carries_a_sessions_token(server, s3, bucket, name):
    s3.put_object(Bucket=bucket, Key="k", Body=b"by session")
    iam, allow = server.client("iam"), {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    user = iam.get_user(UserName=name)["User"]["Arn"]
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Statement": [allow]}))
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]}))
    session = server.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"]).assume_role(
        RoleArn=role, RoleSessionName="session")["Credentials"]
    old = server.client("s3", key=session["AccessKeyId"], secret=session["SecretAccessKey"],
                        token=session["SessionToken"], signature_version="s3")
    get = old.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert "x-amz-security-token=" in get
    assert send(get)[2] == b"by session"
    put = old.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert send(put, "PUT", b"x")[0] == 403
    without = re.sub(r"x-amz-security-token=[^&]*&?", "", get)
    assert element(send(without)[2], "Code") in ("InvalidAccessKeyId", "InvalidToken")


def test_version_2_is_refused_in_s3s_words(server, s3, bucket, name):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    old, params = by_version_2(server), {"Bucket": bucket, "Key": "k"}
    get = old.generate_presigned_url("get_object", Params=params)

    def refused(url, method="GET", headers=None):
        status, _, body = send(url, method, None, headers or {})
        return status, element(body, "Code"), element(body, "Message"), body

    mismatch = (403, "SignatureDoesNotMatch", "The request signature we calculated does not match the "
                "signature you provided. Check your key and signing method.")
    for url in (get.replace("/k?", "/other?"), get + "&acl", get + "&%61cl", get + "&uploads="):
        assert refused(url)[:3] == mismatch
    assert refused(get, "DELETE")[:3] == mismatch
    body = refused(get, headers={"x-amz-acl": "public-read"})[3]
    assert element(body, "StringToSign").endswith(f"x-amz-acl:public-read\n/{bucket}/k")
    assert element(body, "AWSAccessKeyId") == server.environment["AWS_ACCESS_KEY_ID"]

    late = old.generate_presigned_url("get_object", Params=params, ExpiresIn=-5)
    status, code, message, body = refused(late)
    assert (status, code, message) == (403, "AccessDenied", "Request has expired")
    assert element(body, "Expires") < element(body, "ServerTime")

    assert refused(re.sub(r"Expires=\d+", "Expires=soon", get))[:3] == (
        403, "AccessDenied", "Invalid date (should be seconds since epoch): soon")
    assert refused(re.sub(r"&?Expires=\d+", "", get))[:3] == (
        403, "AccessDenied",
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
    assert refused(get.replace("AWSAccessKeyId=", "AWSAccessKeyId=X"))[:2] == (403, "InvalidAccessKeyId")
    assert refused(get, headers={"Authorization": "AWS a:b"})[:2] == (400, "InvalidArgument")
    assert refused(f"{server.endpoint}/{bucket}/k", headers={"Authorization": "AWS nonsense"})[:2] == (
        400, "InvalidArgument")
    # No other service takes it.
    query = urllib.parse.urlsplit(get).query
    status, _, body = send(f"{server.endpoint}/?{query}", "POST", b"{}", {
        "X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"})
    assert status == 400 and json.loads(body)["__type"] == "MissingAuthenticationTokenException"


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

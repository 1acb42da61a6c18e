"""PartiQL through boto3. The texts were recorded from AWS by others (src/tables/partiql/partiql_test.cc says by whom)."""
import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t}
                              for n, t in (("pk", "S"), ("sk", "N"), ("kind", "S"))],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-kind", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"},
                                               {"AttributeName": "sk", "KeyType": "RANGE"}]}])
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def resource(server):
    return boto3.resource("dynamodb", endpoint_url=server.endpoint, region_name="us-east-1",
                          aws_access_key_id=server.environment["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=server.environment["AWS_SECRET_ACCESS_KEY"])


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response


def run(dynamodb, statement, *parameters, **more):
    if parameters:
        more["Parameters"] = list(parameters)
    return dynamodb.execute_statement(Statement=statement, **more)


def test_an_item_goes_in_and_comes_out(dynamodb, table):
    answer = run(dynamodb, f"""INSERT INTO "{table}" VALUE {{'pk': 'it''s', 'sk': 1.50e1, 'b': ?,
        'l': [1, 'two', null, true], 'm': {{'deep': {{'er': <<1, 2>>}}}}, 'ss': <<'a', 'b'>>}}""",
                 {"B": b"\0\xff"}, ReturnConsumedCapacity="TOTAL")
    assert answer["Items"] == []
    assert answer["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 1.0}
    answer = run(dynamodb, f'SELECT * FROM "{table}" WHERE pk = ? AND sk = ?', {"S": "it's"}, {"N": "15"})
    assert "NextToken" not in answer
    [item] = answer["Items"]
    assert item["sk"] == {"N": "15"} and item["b"] == {"B": b"\0\xff"}
    assert item["l"] == {"L": [{"N": "1"}, {"S": "two"}, {"NULL": True}, {"BOOL": True}]}
    assert sorted(item["m"]["M"]["deep"]["M"]["er"]["NS"]) == ["1", "2"]
    assert run(dynamodb, f'SELECT m.deep.er, l[1] FROM "{table}" WHERE pk = ?', {"S": "it's"})["Items"] == [
        {"er": item["m"]["M"]["deep"]["M"]["er"], "l[1]": {"S": "two"}}]
    again = error_of(dynamodb.execute_statement, Statement=f"INSERT INTO \"{table}\" VALUE {{'pk': 'it''s', 'sk': 15}}")
    assert again["Error"] == {"Code": "DuplicateItemException", "Message": "Duplicate primary key exists in table"}


def test_an_update_changes_what_is_there_and_shows_it(dynamodb, table):
    run(dynamodb, f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1, 'n': 1, 's': <<'x'>>, 'l': [1]}}")
    answer = run(dynamodb, f"""UPDATE "{table}" SET n = n + ? SET s = set_add(s, <<'y'>>)
        SET l = list_append(l, [2]) REMOVE gone WHERE pk = 'a' AND sk = 1 AND n = 1 RETURNING MODIFIED NEW *""", {"N": "41"})
    [item] = answer["Items"]
    assert item["n"] == {"N": "42"} and sorted(item["s"]["SS"]) == ["x", "y"] and "pk" not in item
    failed = error_of(dynamodb.execute_statement, Statement=f"UPDATE \"{table}\" SET n = 0 WHERE pk = 'a' AND sk = 1 AND n = 1",
                      ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert failed["Error"]["Code"] == "ConditionalCheckFailedException" and failed["Item"]["n"] == {"N": "42"}
    assert error_of(dynamodb.execute_statement, Statement=f"UPDATE \"{table}\" SET n = 0 WHERE pk = 'no' AND sk = 1")[
        "Error"]["Code"] == "ConditionalCheckFailedException"
    gone = run(dynamodb, f"DELETE FROM \"{table}\" WHERE pk = 'a' AND sk = 1 RETURNING ALL OLD *")
    assert gone["Items"][0]["n"] == {"N": "42"}
    assert run(dynamodb, f"DELETE FROM \"{table}\" WHERE pk = 'a' AND sk = 1 RETURNING ALL OLD *")["Items"] == []


def test_pages_follow_the_token(dynamodb, table, resource):
    with resource.Table(table).batch_writer() as batch:
        for partition in "abc":
            for i in range(20):
                batch.put_item(Item={"pk": partition, "sk": i, "even": i % 2 == 0, "kind": "k"})
    statement = f'SELECT pk, sk FROM "{table}" WHERE pk IN [?, ?] AND even = true ORDER BY pk DESC, sk DESC'
    more, places, pages = {}, [], 0
    while True:
        answer = run(dynamodb, statement, {"S": "a"}, {"S": "c"}, Limit=7, **more)
        places += [(i["pk"]["S"], int(i["sk"]["N"])) for i in answer["Items"]]
        pages += 1
        if "NextToken" not in answer:
            break
        more = {"NextToken": answer["NextToken"]}
    assert places == [(p, i) for p in "ca" for i in range(18, -1, -2)] and pages == 6
    assert error_of(dynamodb.execute_statement, Statement=f'SELECT * FROM "{table}"', **more)["Error"][
        "Message"] == "NextToken does not match request"
    answer = run(dynamodb, f"SELECT * FROM \"{table}\".\"by-kind\" WHERE kind = 'k' AND sk BETWEEN 3 AND 4")
    assert len(answer["Items"]) == 6


def test_a_page_ends_at_a_megabyte(dynamodb, table, resource):
    with resource.Table(table).batch_writer() as batch:
        for i in range(30):
            batch.put_item(Item={"pk": "big", "sk": i, "v": "x" * 50_000})
    first = run(dynamodb, f"SELECT sk FROM \"{table}\" WHERE pk = 'big'", ReturnConsumedCapacity="TOTAL")
    assert 20 <= len(first["Items"]) <= 22
    rest = run(dynamodb, f"SELECT sk FROM \"{table}\" WHERE pk = 'big'", NextToken=first["NextToken"])
    assert len(first["Items"]) + len(rest["Items"]) == 30 and "NextToken" not in rest
    assert first["ConsumedCapacity"]["CapacityUnits"] > 100


def test_a_batch_answers_each_statement(dynamodb, table):
    run(dynamodb, f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1}}")
    answer = dynamodb.batch_execute_statement(ReturnConsumedCapacity="TOTAL", Statements=[
        {"Statement": f"SELECT * FROM \"{table}\" WHERE pk = 'a' AND sk = 1", "ConsistentRead": True},
        {"Statement": f"SELECT * FROM \"{table}\" WHERE pk = ?", "Parameters": [{"S": "a"}]},
        {"Statement": "SELECT * FROM \"nothing\" WHERE pk = 'a' AND sk = 1"},
        {"Statement": f"SELECT * FROM \"{table}\" WHERE pk = 'a' AND sk = 2"}])
    assert answer["Responses"] == [
        {"TableName": table, "Item": {"pk": {"S": "a"}, "sk": {"N": "1"}}},
        {"Error": {"Code": "ValidationError", "Message": "Select statements within BatchExecuteStatement must specify "
                   "the primary key in the where clause."}},
        {"Error": {"Code": "ResourceNotFound", "Message": "Requested resource not found"}},
        {"TableName": table}]
    assert sum(c["CapacityUnits"] for c in answer["ConsumedCapacity"]) == 1.5
    insert = {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': 1}}"}
    answer = dynamodb.batch_execute_statement(Statements=[
        {**insert, "Parameters": [{"S": f"many{i}"}]} for i in range(24)] + [{**insert, "Parameters": [{"S": "a"}]}])
    assert [r.get("Error", {}).get("Code") for r in answer["Responses"]] == [None] * 24 + ["DuplicateItem"]
    too_many = error_of(dynamodb.batch_execute_statement, Statements=[insert] * 26)
    assert too_many["Error"]["Code"] == "ValidationException"


def test_a_transaction_is_all_or_nothing_and_once_under_its_token(dynamodb, table):
    run(dynamodb, f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1, 'n': 0}}")
    add = {"Statement": f"UPDATE \"{table}\" SET n = n + 1 WHERE pk = 'a' AND sk = 1"}
    token = uuid.uuid4().hex
    for _ in range(2):
        dynamodb.execute_transaction(ClientRequestToken=token, TransactStatements=[
            add, {"Statement": f"EXISTS(SELECT * FROM \"{table}\" WHERE pk = 'b' AND sk = 1 AND n IS MISSING)"}])
    failed = error_of(dynamodb.execute_transaction, TransactStatements=[
        add, {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': 2}}", "Parameters": [{"S": "a"}]},
        {"Statement": f"DELETE FROM \"{table}\" WHERE pk = 'x' AND sk = 'x'"}])
    assert [r["Code"] for r in failed["CancellationReasons"]] == ["None", "None", "ValidationError"]
    run(dynamodb, f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 2}}")
    failed = error_of(dynamodb.execute_transaction, TransactStatements=[
        add, {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 2}}"}])
    assert failed["Error"]["Code"] == "TransactionCanceledException"
    assert failed["CancellationReasons"] == [
        {"Code": "None"}, {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}]
    answer = dynamodb.execute_transaction(ReturnConsumedCapacity="TOTAL", TransactStatements=[
        {"Statement": f"SELECT n FROM \"{table}\" WHERE pk = 'a' AND sk = 1"},
        {"Statement": f"SELECT n FROM \"{table}\" WHERE pk = 'zzz' AND sk = 1"}])
    assert answer["Responses"] == [{"Item": {"n": {"N": "1"}}}, {}]
    assert answer["ConsumedCapacity"][0]["ReadCapacityUnits"] == 4.0


def limited_client(server, name, policy):
    iam = server.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client("dynamodb", endpoint_url=server.endpoint, region_name="us-east-1",
                        aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def test_policies_decide_by_statement(server, dynamodb, table):
    run(dynamodb, f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1}}")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    user = limited_client(server, f"u-{table}", {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert"], "Resource": [arn]},
        {"Effect": "Deny", "Action": "dynamodb:PartiQLSelect", "Resource": [arn],
         "Condition": {"Bool": {"dynamodb:FullTableScan": ["true"]}}}]})
    assert len(run(user, f"SELECT * FROM \"{table}\" WHERE pk = 'a'")["Items"]) == 1
    for refused in (f'SELECT * FROM "{table}"', f'SELECT * FROM "{table}" WHERE sk = 1',
                    f"SELECT * FROM \"{table}\".\"by-kind\" WHERE kind = 'k'",
                    f"DELETE FROM \"{table}\" WHERE pk = 'a' AND sk = 1",
                    f"UPDATE \"{table}\" SET n = 1 WHERE pk = 'a' AND sk = 1"):
        assert error_of(user.execute_statement, Statement=refused)["Error"]["Code"] == "AccessDeniedException", refused
    answer = user.batch_execute_statement(Statements=[
        {"Statement": f"DELETE FROM \"{table}\" WHERE pk = 'a' AND sk = 1"},
        {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': 'b', 'sk': 1}}"}])
    assert answer["Responses"][0]["Error"]["Code"] == "AccessDenied"
    assert answer["Responses"][1] == {"TableName": table}
    denied = error_of(user.execute_transaction, TransactStatements=[
        {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': 'c', 'sk': 1}}"},
        {"Statement": f"DELETE FROM \"{table}\" WHERE pk = 'a' AND sk = 1"}])
    assert denied["Error"]["Code"] == "AccessDeniedException"
    assert len(run(dynamodb, f'SELECT * FROM "{table}"')["Items"]) == 2

// DynamoDB through the AWS SDK for JavaScript: the document client, its paginators and waiters, and the
// client of streams. One scenario a run, on tables of its own; what is not as it should be ends it.
//
//   node documents.mjs SCENARIO NAME
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const modules = createRequire(process.env.MILLRACE_NODE_MODULES + "/");
const dynamodb = modules("@aws-sdk/client-dynamodb");
const streams = modules("@aws-sdk/client-dynamodb-streams");
const lib = modules("@aws-sdk/lib-dynamodb");
const { marshall, unmarshall } = modules("@aws-sdk/util-dynamodb");

const [scenario, name] = process.argv.slice(2);
const plain = new dynamodb.DynamoDBClient({ maxAttempts: 1 });
const documents = lib.DynamoDBDocumentClient.from(plain, {
  marshallOptions: { removeUndefinedValues: true },
});
const WAIT = { client: plain, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };

const send = (command, input) => documents.send(new lib[command + "Command"](input));
const put = (Item, more = {}) => send("Put", { TableName: name, Item, ...more });
const get = async (Key, more = {}) =>
  (await send("Get", { TableName: name, Key, ConsistentRead: true, ...more })).Item;

async function table(TableName = name, more = {}) {
  const input = {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" },
      { AttributeName: "sk", AttributeType: "N" },
    ],
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
    ...more,
  };
  return (await plain.send(new dynamodb.CreateTableCommand(input))).TableDescription;
}

async function refused(promise, type) {
  const error = await promise.then(
    () => assert.fail("it was not refused"),
    (error) => error,
  );
  assert.ok(error instanceof type, String(error));
  assert.equal(error.name, type.name);
  assert.equal(error.$fault, "client");
  assert.equal(error.$metadata.httpStatusCode, 400);
  assert.match(error.$metadata.requestId, /^[A-Z0-9]{52}$/);
  return error;
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const bytes = (...values) => Uint8Array.from(values);

async function collect(pages) {
  const all = [];
  for await (const page of pages) all.push(page);
  return all;
}

const scenarios = {
  async values() {
    await table();
    const item = {
      pk: "日本 😋",
      sk: -0.5,
      text: "",
      yes: true,
      no: false,
      nothing: null,
      raw: bytes(0, 255, 128),
      empty: bytes(),
      words: new Set(["a", "é"]),
      numbers: new Set([1, 2.5, -3e-100]),
      blobs: new Set([bytes(1), bytes(1, 2)]),
      deep: { list: [1, "two", [null, { three: new Set(["3"]) }], []], map: {}, "a.b c": 9007199254740991 },
    };
    await put({ ...item, left: undefined });
    assert.deepEqual(await get({ pk: item.pk, sk: item.sk }), item);

    const exact = lib.DynamoDBDocumentClient.from(new dynamodb.DynamoDBClient({}), {
      unmarshallOptions: { wrapNumbers: true },
    });
    const digits = [
      "12345678901234567890123456789012345678",
      "1.5e-130",
      "-9.9e125",
      "0.00000000000000000001",
    ];
    await put({ pk: "n", sk: 1, big: 2n ** 100n, all: digits.map((n) => lib.NumberValue.from(n)) });
    const { Item: got } = await exact.send(new lib.GetCommand({ TableName: name, Key: { pk: "n", sk: 1 } }));
    assert.equal(got.big.value, String(2n ** 100n));
    assert.deepEqual(
      got.all.map((n) => n.value),
      [digits[0], "0." + "0".repeat(129) + "15", "-99" + "0".repeat(124), digits[3]],
    );

    const { Attributes: old } = await send("Delete", {
      TableName: name,
      Key: { pk: item.pk, sk: item.sk },
      ReturnValues: "ALL_OLD",
    });
    assert.deepEqual(old, item);
    assert.equal(await get({ pk: item.pk, sk: item.sk }), undefined);
  },

  async updates() {
    await table();
    const update = async (UpdateExpression, values, more = {}) =>
      (
        await send("Update", {
          TableName: name,
          Key: { pk: "u", sk: 0 },
          UpdateExpression,
          ReturnValues: "ALL_NEW",
          ...(values && { ExpressionAttributeValues: values }),
          ...more,
        })
      ).Attributes;
    assert.deepEqual(
      await update(
        "SET tags = :t, m = :m, #c = if_not_exists(#c, :zero) + :one",
        { ":t": new Set(["x", "y"]), ":m": { parts: ["a"] }, ":zero": 0, ":one": 1 },
        { ExpressionAttributeNames: { "#c": "count" } },
      ),
      { pk: "u", sk: 0, tags: new Set(["x", "y"]), m: { parts: ["a"] }, count: 1 },
    );
    assert.deepEqual(
      await update("ADD tags :z, blobs :b DELETE tags :x", {
        ":z": new Set(["z"]),
        ":x": new Set(["x"]),
        ":b": new Set([bytes(7)]),
      }).catch((error) => error.name + ": " + error.message),
      "ValidationException: Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of " +
        "these paths; path one: [tags], path two: [tags]",
    );
    await update("ADD tags :z, blobs :b", { ":z": new Set(["z"]), ":b": new Set([bytes(7)]) });
    assert.deepEqual(
      await update(
        "DELETE tags :gone SET m.parts = list_append(m.parts, :more) REMOVE #c",
        { ":gone": new Set(["x", "y"]), ":more": [bytes(1), { n: null }] },
        { ExpressionAttributeNames: { "#c": "count" } },
      ),
      {
        pk: "u",
        sk: 0,
        tags: new Set(["z"]),
        blobs: new Set([bytes(7)]),
        m: { parts: ["a", bytes(1), { n: null }] },
      },
    );
    const part = await update("SET m.parts[0] = :v", { ":v": "b" }, { ReturnValues: "UPDATED_OLD" });
    assert.deepEqual(part, { m: { parts: ["a"] } });
    // The older parameters, which the document client marshals as well.
    const { Attributes } = await send("Update", {
      TableName: name,
      Key: { pk: "u", sk: 0 },
      ReturnValues: "UPDATED_NEW",
      AttributeUpdates: { tags: { Action: "ADD", Value: new Set(["w"]) }, m: { Action: "DELETE" } },
      Expected: { blobs: { ComparisonOperator: "CONTAINS", AttributeValueList: [bytes(7)] } },
    });
    assert.deepEqual(Attributes, { tags: new Set(["w", "z"]) });
  },

  async pages() {
    await table(name, {
      AttributeDefinitions: ["pk", "owner"]
        .map((a) => ({ AttributeName: a, AttributeType: "S" }))
        .concat(["sk", "rank"].map((a) => ({ AttributeName: a, AttributeType: "N" }))),
      GlobalSecondaryIndexes: [
        {
          IndexName: "by-owner",
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["label"] },
          KeySchema: [
            { AttributeName: "owner", KeyType: "HASH" },
            { AttributeName: "rank", KeyType: "RANGE" },
          ],
        },
      ],
    });
    for (const start of [0, 25, 50, 75]) {
      const puts = range(start, start + 25).map((i) => ({
        PutRequest: {
          Item: {
            pk: i < 60 ? "a" : "b",
            sk: i,
            label: new Set([`l${i}`]),
            more: "m",
            ...(i % 2 ? {} : { owner: "o", rank: 100 - i }),
          },
        },
      }));
      assert.deepEqual((await send("BatchWrite", { RequestItems: { [name]: puts } })).UnprocessedItems, {});
    }
    const query = {
      TableName: name,
      KeyConditionExpression: "pk = :p AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: { ":p": "a", ":from": 10, ":to": 49 },
    };
    const pages = await collect(lib.paginateQuery({ client: documents, pageSize: 15 }, query));
    assert.deepEqual(
      pages.map((page) => page.Items.map((item) => item.sk)),
      [range(10, 25), range(25, 40), range(40, 50)],
    );
    assert.deepEqual(pages[0].LastEvaluatedKey, { pk: "a", sk: 24 });

    const back = await collect(
      lib.paginateQuery(
        { client: documents, pageSize: 25, startingToken: { pk: "a", sk: 20 } },
        { ...query, ScanIndexForward: false },
      ),
    );
    assert.deepEqual(
      back.flatMap((page) => page.Items.map((item) => item.sk)),
      range(10, 20).reverse(),
    );

    const index = await collect(
      lib.paginateQuery(
        { client: documents, pageSize: 20 },
        {
          TableName: name,
          IndexName: "by-owner",
          KeyConditionExpression: "#o = :o",
          FilterExpression: "NOT contains(label, :l)",
          ExpressionAttributeNames: { "#o": "owner" },
          ExpressionAttributeValues: { ":o": "o", ":l": "l4" },
        },
      ),
    );
    const owned = range(0, 50)
      .map((i) => 98 - 2 * i)
      .filter((i) => i !== 4);
    assert.deepEqual(
      index.flatMap((page) => page.Items),
      owned.map((i) => ({
        pk: i < 60 ? "a" : "b",
        sk: i,
        owner: "o",
        rank: 100 - i,
        label: new Set([`l${i}`]),
      })),
    );
    assert.deepEqual(Object.keys(index[0].LastEvaluatedKey).sort(), ["owner", "pk", "rank", "sk"]);

    const segments = await Promise.all(
      range(0, 3).map((Segment) =>
        collect(
          lib.paginateScan(
            { client: documents, pageSize: 7 },
            { TableName: name, Segment, TotalSegments: 3, ProjectionExpression: "sk" },
          ),
        ),
      ),
    );
    const scanned = segments.flat().flatMap((page) => page.Items.map((item) => item.sk));
    assert.deepEqual(
      scanned.sort((a, b) => a - b),
      range(0, 100),
    );

    const counted = await collect(
      lib.paginateScan({ client: documents, pageSize: 40 }, { TableName: name, Select: "COUNT" }),
    );
    assert.deepEqual(
      counted.map((page) => [page.Count, page.ScannedCount, page.Items]),
      [
        [40, 40, undefined],
        [40, 40, undefined],
        [20, 20, undefined],
      ],
    );
    const names = await collect(dynamodb.paginateListTables({ client: plain, pageSize: 1 }, {}));
    assert.ok(
      names.every((page) => page.TableNames.length === 1) &&
        names.some((page) => page.TableNames[0] === name),
    );
  },

  // On a server whose tables are CREATING for a while.
  async waiters() {
    const early = dynamodb.waitUntilTableExists(WAIT, { TableName: name });
    assert.equal((await table()).TableStatus, "CREATING");
    await refused(put({ pk: "early", sk: 0 }), dynamodb.ResourceNotFoundException);
    await refused(table(), dynamodb.ResourceInUseException);
    assert.equal((await early).state, "SUCCESS");
    await put({ pk: "a", sk: 0 });
    await plain.send(new dynamodb.DeleteTableCommand({ TableName: name }));
    assert.equal((await dynamodb.waitUntilTableNotExists(WAIT, { TableName: name })).state, "SUCCESS");
    await refused(get({ pk: "a", sk: 0 }), dynamodb.ResourceNotFoundException);
  },

  // On a server that enforces limits.
  async limits() {
    await table(name, {
      BillingMode: "PROVISIONED",
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
    });
    const body = "x".repeat(3000);
    let error;
    while (!error) {
      const attempt = put({ pk: "l", sk: 0, body });
      error = await attempt.then(
        () => undefined,
        () => refused(attempt, dynamodb.ProvisionedThroughputExceededException),
      );
    }
    assert.deepEqual(
      error.ThrottlingReasons.map(({ reason }) => reason),
      ["TableWriteProvisionedThroughputExceeded"],
    );
    const patient = lib.DynamoDBDocumentClient.from(new dynamodb.DynamoDBClient({ maxAttempts: 20 }));
    await patient.send(new lib.PutCommand({ TableName: name, Item: { pk: "l", sk: 0 } }));
    assert.deepEqual(await get({ pk: "l", sk: 0 }), { pk: "l", sk: 0 });
  },

  async batches() {
    await table();
    const body = "x".repeat(390_000);
    for (const start of [0, 16, 32]) {
      const puts = range(start, start + 16).map((sk) => ({ PutRequest: { Item: { pk: "big", sk, body } } }));
      await send("BatchWrite", { RequestItems: { [name]: puts } });
    }
    let wanted = { [name]: { Keys: range(0, 50).map((sk) => ({ pk: "big", sk })), ConsistentRead: true } };
    let answers = 0;
    const seen = new Set();
    while (Object.keys(wanted).length) {
      const { Responses, UnprocessedKeys } = await send("BatchGet", { RequestItems: wanted });
      answers += 1;
      for (const item of Responses[name]) seen.add(item.sk);
      if (UnprocessedKeys[name]) assert.equal(UnprocessedKeys[name].ConsistentRead, true);
      wanted = UnprocessedKeys;
    }
    assert.ok(answers > 1); // a partition answers 1 MB at once, and the client asks again for the rest
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      range(0, 48),
    );

    await send("BatchWrite", {
      RequestItems: {
        [name]: [
          { DeleteRequest: { Key: { pk: "big", sk: 0 } } },
          { PutRequest: { Item: { pk: "set", sk: 1, s: new Set([bytes(1)]) } } },
        ],
      },
    });
    const { Responses } = await send("BatchGet", {
      RequestItems: {
        [name]: {
          Keys: [
            { pk: "big", sk: 0 },
            { pk: "set", sk: 1 },
          ],
          ProjectionExpression: "s, #s",
          ExpressionAttributeNames: { "#s": "sk" },
        },
      },
    });
    assert.deepEqual(Responses, { [name]: [{ sk: 1, s: new Set([bytes(1)]) }] });
    const twice = await send("BatchWrite", {
      RequestItems: {
        [name]: [
          { DeleteRequest: { Key: { pk: "t", sk: 1 } } },
          { PutRequest: { Item: { pk: "t", sk: 1.0 } } },
        ],
      },
    }).catch((error) => error);
    assert.deepEqual(
      [twice.name, twice.message],
      ["ValidationException", "Provided list of item keys contains duplicates"],
    );
  },

  async transactions() {
    await table();
    await table(name + "-other");
    await put({ pk: "a", sk: 1, n: 10, tags: new Set(["t"]) });
    const input = (ClientRequestToken, least) => ({
      ClientRequestToken,
      ReturnConsumedCapacity: "TOTAL",
      TransactItems: [
        { Put: { TableName: name + "-other", Item: { pk: "p", sk: 1, from: { a: [1] } } } },
        {
          Update: {
            TableName: name,
            Key: { pk: "a", sk: 1 },
            UpdateExpression: "ADD n :d",
            ConditionExpression: "n >= :least",
            ExpressionAttributeValues: { ":d": -4, ":least": least },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          },
        },
        {
          ConditionCheck: {
            TableName: name,
            Key: { pk: "no", sk: 1 },
            ConditionExpression: "attribute_not_exists(pk)",
          },
        },
        { Delete: { TableName: name, Key: { pk: "none", sk: 1 } } },
      ],
    });
    const first = await send("TransactWrite", input("one", 4));
    assert.deepEqual(first.ConsumedCapacity.map((c) => c.TableName).sort(), [name, name + "-other"]);
    await send("TransactWrite", input("one", 4)); // again: nothing is done twice
    assert.equal((await get({ pk: "a", sk: 1 })).n, 6);
    await refused(send("TransactWrite", input("one", 5)), dynamodb.IdempotentParameterMismatchException);

    const cancelled = await refused(
      send("TransactWrite", input("two", 7)),
      dynamodb.TransactionCanceledException,
    );
    assert.equal(
      cancelled.message,
      "Transaction cancelled, please refer cancellation reasons for specific reasons " +
        "[None, ConditionalCheckFailed, None, None]",
    );
    assert.deepEqual(
      cancelled.CancellationReasons.map((reason) => reason.Code),
      ["None", "ConditionalCheckFailed", "None", "None"],
    );
    assert.equal(cancelled.CancellationReasons[1].Message, "The conditional request failed");
    assert.deepEqual(unmarshall(cancelled.CancellationReasons[1].Item), {
      pk: "a",
      sk: 1,
      n: 6,
      tags: new Set(["t"]),
    });
    assert.equal(cancelled.CancellationReasons[0].Item, undefined);

    const wrong = input("three", 1);
    wrong.TransactItems[1].Update.UpdateExpression = "ADD tags :d";
    const invalid = await refused(send("TransactWrite", wrong), dynamodb.TransactionCanceledException);
    assert.deepEqual(
      invalid.CancellationReasons.map((reason) => reason.Code),
      ["None", "ValidationError", "None", "None"],
    );
    assert.equal(
      invalid.CancellationReasons[1].Message,
      "An operand in the update expression has an incorrect data type",
    );

    const { Responses } = await send("TransactGet", {
      TransactItems: [
        { Get: { TableName: name, Key: { pk: "a", sk: 1 }, ProjectionExpression: "tags" } },
        { Get: { TableName: name, Key: { pk: "nobody", sk: 1 } } },
        { Get: { TableName: name + "-other", Key: { pk: "p", sk: 1 } } },
      ],
    });
    assert.deepEqual(Responses, [
      { Item: { tags: new Set(["t"]) } },
      {},
      { Item: { pk: "p", sk: 1, from: { a: [1] } } },
    ]);
  },

  async conditions() {
    await table();
    const old = { pk: "c", sk: 1, version: 3, tags: new Set(["x"]) };
    await put(old);
    const ask = {
      ConditionExpression: "version = :v",
      ExpressionAttributeValues: { ":v": 2 },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    };
    // One after the other: a promise that nobody awaits yet must not be refused.
    for (const attempt of [
      () => put({ pk: "c", sk: 1 }, ask),
      () => send("Update", { TableName: name, Key: { pk: "c", sk: 1 }, UpdateExpression: "SET x = :v", ...ask }),
      () => send("Delete", { TableName: name, Key: { pk: "c", sk: 1 }, ...ask }),
    ]) {
      const error = await refused(attempt(), dynamodb.ConditionalCheckFailedException);
      assert.equal(error.message, "The conditional request failed");
      assert.deepEqual(unmarshall(error.Item), old);
    }
    const { ReturnValuesOnConditionCheckFailure, ...silent } = ask;
    assert.equal((await refused(put(old, silent), dynamodb.ConditionalCheckFailedException)).Item, undefined);
    assert.equal(
      (await refused(put({ pk: "new", sk: 1 }, ask), dynamodb.ConditionalCheckFailedException)).Item,
      undefined,
    );
    assert.deepEqual(await get({ pk: "c", sk: 1 }), old);
    await refused(
      send("Get", { TableName: name + "-not", Key: { pk: "c", sk: 1 } }),
      dynamodb.ResourceNotFoundException,
    );
    const invalid = await send("Get", { TableName: name, Key: { pk: "c" } }).catch((error) => error);
    assert.deepEqual(
      [invalid.name, invalid.message, invalid.$metadata.httpStatusCode],
      ["ValidationException", "The provided key element does not match the schema", 400],
    );
  },

  async statements() {
    await table();
    await send("ExecuteStatement", {
      Statement: `INSERT INTO "${name}" VALUE {'pk': ?, 'sk': ?, 'tags': ?, 'm': {'l': [1, 'b']}}`,
      Parameters: ["p", 1, new Set(["a", "b"])],
    });
    const { Items } = await send("ExecuteStatement", {
      Statement: `SELECT * FROM "${name}" WHERE pk = ?`,
      Parameters: ["p"],
    });
    assert.deepEqual(Items, [{ pk: "p", sk: 1, tags: new Set(["a", "b"]), m: { l: [1, "b"] } }]);
    const { Responses } = await send("BatchExecuteStatement", {
      Statements: [
        { Statement: `UPDATE "${name}" SET n = ? WHERE pk = ? AND sk = ?`, Parameters: [5, "p", 1] },
        { Statement: `UPDATE "${name}" SET n = ? WHERE pk = ? AND sk = ?`, Parameters: [5, "p", 2] },
      ],
    });
    assert.deepEqual(
      Responses.map((r) => r.Error?.Code),
      [undefined, "ConditionalCheckFailed"],
    );
    const cancelled = await refused(
      send("ExecuteTransaction", {
        TransactStatements: [
          { Statement: `INSERT INTO "${name}" VALUE {'pk': ?, 'sk': ?}`, Parameters: ["p", 2] },
          { Statement: `INSERT INTO "${name}" VALUE {'pk': ?, 'sk': ?}`, Parameters: ["p", 1] },
        ],
      }),
      dynamodb.TransactionCanceledException,
    );
    assert.deepEqual(
      cancelled.CancellationReasons.map((reason) => reason.Code),
      ["None", "DuplicateItem"],
    );
    await refused(
      send("ExecuteStatement", {
        Statement: `INSERT INTO "${name}" VALUE {'pk': ?, 'sk': ?}`,
        Parameters: ["p", 1],
      }),
      dynamodb.DuplicateItemException,
    );
  },

  async changes() {
    const { LatestStreamArn: arn } = await table(name, {
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    });
    const client = new streams.DynamoDBStreamsClient({ maxAttempts: 1 });
    await put({ pk: "a", sk: 1, tags: new Set([bytes(1)]) });
    await send("Update", {
      TableName: name,
      Key: { pk: "a", sk: 1 },
      UpdateExpression: "SET n = :n",
      ExpressionAttributeValues: { ":n": { deep: [1] } },
    });
    await send("Delete", { TableName: name, Key: { pk: "a", sk: 1 } });
    const listed = await client.send(new streams.ListStreamsCommand({ TableName: name }));
    assert.deepEqual(
      listed.Streams.map((s) => [s.StreamArn, s.TableName]),
      [[arn, name]],
    );
    const { StreamDescription } = await client.send(new streams.DescribeStreamCommand({ StreamArn: arn }));
    assert.deepEqual(
      [StreamDescription.StreamStatus, StreamDescription.StreamViewType],
      ["ENABLED", "NEW_AND_OLD_IMAGES"],
    );
    assert.ok(StreamDescription.CreationRequestDateTime instanceof Date);
    const records = [];
    let open = StreamDescription.Shards.map((shard) => ({
      ShardId: shard.ShardId,
      ShardIteratorType: "TRIM_HORIZON",
    }));
    let iterators = await Promise.all(
      open.map(
        async (from) =>
          (await client.send(new streams.GetShardIteratorCommand({ StreamArn: arn, ...from }))).ShardIterator,
      ),
    );
    while (records.length < 3) {
      const answers = await Promise.all(
        iterators.map((ShardIterator) =>
          client.send(new streams.GetRecordsCommand({ ShardIterator, Limit: 2 })),
        ),
      );
      records.push(...answers.flatMap((answer) => answer.Records));
      iterators = answers.map((answer) => answer.NextShardIterator).filter(Boolean);
    }
    const read = (image) => image && unmarshall(image);
    const [before, after] = [
      { pk: "a", sk: 1, tags: new Set([bytes(1)]) },
      { pk: "a", sk: 1, tags: new Set([bytes(1)]), n: { deep: [1] } },
    ];
    assert.deepEqual(
      records.map((r) => [r.eventName, read(r.dynamodb.OldImage), read(r.dynamodb.NewImage)]),
      [
        ["INSERT", undefined, before],
        ["MODIFY", before, after],
        ["REMOVE", after, undefined],
      ],
    );
    assert.ok(
      records.every(
        (r) =>
          r.dynamodb.ApproximateCreationDateTime instanceof Date &&
          r.dynamodb.SizeBytes > 0 &&
          r.eventSource === "aws:dynamodb" &&
          r.awsRegion === "us-east-1",
      ),
    );
    assert.deepEqual(records[0].dynamodb.Keys, marshall({ pk: "a", sk: 1 }));
    await refused(
      client.send(new streams.DescribeStreamCommand({ StreamArn: arn + "0" })),
      streams.ResourceNotFoundException,
    );
  },
};

await scenarios[scenario]();

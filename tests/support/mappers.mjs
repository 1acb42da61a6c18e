// DynamoDB through object mappers of the JavaScript world: ElectroDB, which keeps many entities in one
// table under keys that it composes, and Dynamoose, a table for each model. One scenario a run.
//
//   node mappers.mjs SCENARIO NAME
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const modules = createRequire(process.env.MILLRACE_NODE_MODULES + "/");
const dynamodb = modules("@aws-sdk/client-dynamodb");
const [scenario, table] = process.argv.slice(2);
const client = new dynamodb.DynamoDBClient({ maxAttempts: 1 });
const by = (key) => (a, b) => (a[key] < b[key] ? -1 : 1);

// ElectroDB.

async function singleTable() {
  const attributes = ["pk", "sk", "gsi1pk", "gsi1sk"];
  const keys = (hash, range) => [
    { AttributeName: hash, KeyType: "HASH" },
    { AttributeName: range, KeyType: "RANGE" },
  ];
  await client.send(
    new dynamodb.CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: attributes.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: keys("pk", "sk"),
      GlobalSecondaryIndexes: [
        { IndexName: "gsi1", KeySchema: keys("gsi1pk", "gsi1sk"), Projection: { ProjectionType: "ALL" } },
      ],
    }),
  );
}

function entities() {
  const { Entity, Service } = modules("electrodb");
  const task = new Entity(
    {
      model: { entity: "task", version: "1", service: "work" },
      attributes: {
        project: { type: "string", required: true },
        id: { type: "string", required: true },
        person: { type: "string", required: true },
        state: { type: ["open", "done"], default: "open" },
        points: { type: "number", default: 0 },
        labels: { type: "set", items: "string" },
        notes: {
          type: "list",
          items: { type: "map", properties: { by: { type: "string" }, text: { type: "string" } } },
        },
      },
      indexes: {
        task: { pk: { field: "pk", composite: ["project"] }, sk: { field: "sk", composite: ["id"] } },
        assigned: {
          collection: "desk",
          index: "gsi1",
          pk: { field: "gsi1pk", composite: ["person"] },
          sk: { field: "gsi1sk", composite: ["state", "id"] },
        },
      },
    },
    { client, table },
  );
  const person = new Entity(
    {
      model: { entity: "person", version: "1", service: "work" },
      attributes: { person: { type: "string", required: true }, team: { type: "string" } },
      indexes: {
        person: { pk: { field: "pk", composite: ["person"] }, sk: { field: "sk", composite: [] } },
        desk: {
          collection: "desk",
          index: "gsi1",
          pk: { field: "gsi1pk", composite: ["person"] },
          sk: { field: "gsi1sk", composite: [] },
        },
      },
    },
    { client, table },
  );
  return { task, person, service: new Service({ task, person }) };
}

async function electrodb() {
  await singleTable();
  const { task, person, service } = entities();
  const first = {
    project: "mill",
    id: "t00",
    person: "ann",
    labels: ["a", "b"],
    notes: [{ by: "ann", text: "begin" }],
  };
  await task.create(first).go();
  const again = await task
    .create(first)
    .go()
    .catch((error) => error);
  assert.match(again.message, /The conditional request failed/);
  assert.deepEqual((await task.get({ project: "mill", id: "t00" }).go({ consistent: true })).data, {
    ...first,
    state: "open",
    points: 0,
  });

  const rest = Array.from({ length: 29 }, (_, i) => ({
    project: "mill",
    id: `t${String(i + 1).padStart(2, "0")}`,
    person: i % 2 ? "ann" : "bob",
    points: i + 1,
  }));
  assert.deepEqual((await task.put(rest).go()).unprocessed, []); // more than a batch takes
  await person.put([{ person: "ann", team: "red" }, { person: "bob" }]).go();

  const changed = await task
    .patch({ project: "mill", id: "t00" })
    .set({ state: "done", person: "ann" })
    .add({ points: 5, labels: ["c"] })
    .append({ notes: [{ by: "bob", text: "end" }] })
    .where(({ points }, { lt }) => lt(points, 3))
    .go({ response: "all_new" });
  assert.deepEqual(
    [changed.data.state, changed.data.points, changed.data.labels.sort(), changed.data.notes.length],
    ["done", 5, ["a", "b", "c"], 2],
  );
  const none = await task
    .patch({ project: "mill", id: "none" })
    .set({ points: 1 })
    .go()
    .catch((error) => error);
  assert.match(none.message, /The conditional request failed/);
  const lost = await task
    .update({ project: "mill", id: "t00" })
    .data(({ labels }, { del }) => del(labels, ["a", "b"]))
    .go({ response: "updated_new" });
  assert.deepEqual(lost.data.labels, ["c"]);
  await task.upsert({ project: "mill", id: "t30", person: "bob" }).add({ points: 2 }).go();

  const between = await task.query
    .task({ project: "mill" })
    .between({ id: "t05" }, { id: "t09" })
    .go({ order: "desc" });
  assert.deepEqual(
    between.data.map((t) => t.id),
    ["t09", "t08", "t07", "t06", "t05"],
  );
  const page = await task.query.task({ project: "mill" }).go({ limit: 20 });
  const next = await task.query.task({ project: "mill" }).go({ cursor: page.cursor });
  assert.deepEqual([page.data.length, next.data.length, next.cursor], [20, 11, null]);
  const many = await task.query
    .assigned({ person: "ann", state: "open" })
    .where(({ points }, { gte }) => gte(points, 20))
    .go({ pages: "all" });
  assert.deepEqual(
    many.data.map((t) => t.id),
    ["t20", "t22", "t24", "t26", "t28"],
  );
  const desk = await service.collections.desk({ person: "ann" }).go({ pages: "all" });
  assert.deepEqual([desk.data.person, desk.data.task.length], [[{ person: "ann", team: "red" }], 15]);
  const scanned = await person.scan.go({ pages: "all" });
  assert.deepEqual(scanned.data.map((p) => p.person).sort(), ["ann", "bob"]);

  const got = await task.get(rest.map(({ project, id }) => ({ project, id }))).go();
  assert.deepEqual(
    got.data.map((t) => t.id).sort(),
    rest.map((t) => t.id),
  );
  const done = await service.transaction
    .write(({ task, person }) => [
      task.patch({ project: "mill", id: "t01" }).add({ points: 1 }).commit(),
      person
        .check({ person: "ann" })
        .where(({ team }, { eq }) => eq(team, "red"))
        .commit(),
      person.create({ person: "eve" }).commit(),
    ])
    .go();
  assert.equal(done.canceled, false);
  const canceled = await service.transaction
    .write(({ task, person }) => [
      task.delete({ project: "mill", id: "t01" }).commit(),
      person.create({ person: "eve", team: "blue" }).commit({ response: "all_old" }),
    ])
    .go();
  assert.equal(canceled.canceled, true);
  assert.deepEqual(
    canceled.data.map((d) => [d.rejected, d.code, d.item]),
    [
      [false, "None", null],
      [true, "ConditionalCheckFailed", { person: "eve" }],
    ],
  );
  const read = await service.transaction
    .get(({ task, person }) => [
      task.get({ project: "mill", id: "t01" }).commit(),
      person.get({ person: "nobody" }).commit(),
    ])
    .go();
  assert.deepEqual(
    read.data.map((d) => d.item?.points ?? null),
    [2, null],
  );
  assert.deepEqual(
    (await task.delete(rest.map(({ project, id }) => ({ project, id }))).go()).unprocessed,
    [],
  );
}

// Dynamoose.

async function dynamoose() {
  const dynamoose = modules("dynamoose");
  dynamoose.aws.ddb.set(new dynamoose.aws.ddb.DynamoDB({ maxAttempts: 1 }));
  const schema = new dynamoose.Schema(
    {
      shelf: { type: String, hashKey: true },
      place: { type: Number, rangeKey: true },
      title: String,
      owner: { type: String, index: { name: "by-owner", type: "global", rangeKey: "place" } },
      added: Date,
      tags: { type: Set, schema: [String] },
      cover: Buffer,
      more: { type: Object, schema: { deep: { type: Array, schema: [Number] } } },
    },
    { timestamps: true },
  );
  const Book = dynamoose.model(table, schema);
  const books = new dynamoose.Table(table, [Book], {
    initialize: false,
    throughput: "ON_DEMAND",
    waitForActive: true,
    expires: { ttl: 3_600_000, attribute: "ends" },
  });
  await books.initialize();
  const { Table } = await client.send(new dynamodb.DescribeTableCommand({ TableName: table }));
  assert.deepEqual(
    [Table.TableStatus, Table.BillingModeSummary.BillingMode, Table.GlobalSecondaryIndexes[0].IndexName],
    ["ACTIVE", "PAY_PER_REQUEST", "by-owner"],
  );

  const added = new Date("2026-02-03T04:05:06.789Z");
  const book = await Book.create({
    shelf: "a",
    place: 1,
    title: "é",
    owner: "o",
    added,
    tags: new Set(["x"]),
    cover: Buffer.from([0, 255]),
    more: { deep: [1, 2.5] },
  });
  assert.ok(book.createdAt);
  const twice = await Book.create({ shelf: "a", place: 1 }).catch((error) => error);
  assert.equal(twice.name, "ConditionalCheckFailedException");
  const got = await Book.get({ shelf: "a", place: 1 }, { consistent: true });
  assert.deepEqual(
    [got.title, got.added, got.tags, [...got.cover], got.more],
    ["é", added, new Set(["x"]), [0, 255], { deep: [1, 2.5] }],
  );

  await Book.batchPut(
    Array.from({ length: 20 }, (_, i) => ({
      shelf: "b",
      place: i,
      title: `t${i}`,
      ...(i % 2 && { owner: "o" }),
    })),
  );
  const asked = await Book.query("shelf")
    .eq("b")
    .where("place")
    .between(5, 9)
    .filter("title")
    .not()
    .eq("t7")
    .sort("descending")
    .exec();
  assert.deepEqual(
    asked.map((b) => b.place),
    [9, 8, 6, 5],
  );
  const owned = await Book.query("owner").eq("o").using("by-owner").limit(4).exec();
  assert.equal(owned.length, 4);
  const more = await Book.query("owner").eq("o").using("by-owner").startAt(owned.lastKey).all().exec();
  assert.equal(owned.length + more.length, 11);
  assert.equal((await Book.scan("title").beginsWith("t1").count().exec()).count, 11);
  const many = await Book.batchGet([
    { shelf: "b", place: 3 },
    { shelf: "b", place: 4 },
    { shelf: "c", place: 0 },
  ]);
  assert.deepEqual(
    [...many].sort(by("place")).map((b) => b.place),
    [3, 4],
  );

  const changed = await Book.update(
    { shelf: "b", place: 3 },
    { $SET: { title: "new" }, $REMOVE: ["owner"] },
    { condition: new dynamoose.Condition().filter("title").eq("t3") },
  );
  assert.deepEqual([changed.title, changed.owner], ["new", undefined]);
  const late = await Book.update(
    { shelf: "b", place: 3 },
    { title: "late" },
    { condition: new dynamoose.Condition().filter("title").eq("t3") },
  ).catch((error) => error);
  assert.equal(late.name, "ConditionalCheckFailedException");
  await dynamoose.transaction([
    Book.transaction.create({ shelf: "d", place: 1 }),
    Book.transaction.delete({ shelf: "b", place: 4 }),
    Book.transaction.condition({ shelf: "a", place: 1 }, new dynamoose.Condition().filter("title").eq("é")),
  ]);
  assert.equal(await Book.get({ shelf: "b", place: 4 }), undefined);
  const cancelled = await dynamoose
    .transaction([
      Book.transaction.create({ shelf: "d", place: 1 }),
      Book.transaction.delete({ shelf: "b", place: 5 }),
    ])
    .catch((error) => error);
  assert.deepEqual(
    cancelled.CancellationReasons.map((reason) => reason.Code),
    ["ConditionalCheckFailed", "None"],
  );
  assert.equal((await Book.get({ shelf: "b", place: 5 })).title, "t5");
}

await { electrodb, dynamoose }[scenario]();

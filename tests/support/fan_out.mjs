// Follows a stream with enhanced fan-out through the AWS SDK for JavaScript, which speaks HTTP/2 to
// Kinesis and nothing else: over TLS, or in clear without asking first. Subscribes to one shard, and
// to the children of whatever ends, until so many records have come. Each step is a line of JSON.
//
//   node fan_out.mjs ENDPOINT CONSUMER_ARN SHARD RECORDS
import { createRequire } from "node:module";

const modules = createRequire(process.env.MILLRACE_NODE_MODULES + "/");
const { KinesisClient, SubscribeToShardCommand } = modules("@aws-sdk/client-kinesis");

const [endpoint, consumer, first, wanted] = process.argv.slice(2);
const kinesis = new KinesisClient({ endpoint, maxAttempts: 1 });
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
let left = Number(wanted);

async function follow(shard) {
  const answer = await kinesis.send(new SubscribeToShardCommand({
    ConsumerARN: consumer, ShardId: shard, StartingPosition: { Type: "TRIM_HORIZON" },
  }));
  say({ subscribed: shard });
  for await (const { SubscribeToShardEvent: event } of answer.EventStream) {
    for (const record of event.Records) say({ shard, data: Buffer.from(record.Data).toString(), number: record.SequenceNumber });
    left -= event.Records.length;
    if (event.ChildShards?.length) {
      const children = event.ChildShards.map((child) => child.ShardId);
      say({ ended: shard, children, continuation: event.ContinuationSequenceNumber ?? null });
      await Promise.all(children.map(follow));
      return;
    }
    if (left <= 0) process.exit(0);
  }
}

await follow(first);

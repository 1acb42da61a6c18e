package millrace.clients;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.ChildShard;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

/**
 * Follows a stream with enhanced fan-out: subscribes to one shard, and to the children of whatever
 * ends, until so many records have come.
 *
 * <p>FanOut async|alpn CONSUMER_ARN SHARD RECORDS
 */
public final class FanOut {
  private final KinesisAsyncClient kinesis;
  private final String consumer;
  private final AtomicInteger left;

  private FanOut(KinesisAsyncClient kinesis, String consumer, int wanted) {
    this.kinesis = kinesis;
    this.consumer = consumer;
    this.left = new AtomicInteger(wanted);
  }

  public static void main(String[] arguments) {
    try (KinesisAsyncClient kinesis = Streams.async(arguments[0].equals("alpn"))) {
      new FanOut(kinesis, arguments[1], Integer.parseInt(arguments[3])).follow(arguments[2]).join();
    }
  }

  private CompletableFuture<Void> follow(String shard) {
    List<String> children = Collections.synchronizedList(new ArrayList<>());
    SubscribeToShardResponseHandler handler =
        SubscribeToShardResponseHandler.builder()
            .onResponse(answer -> Line.say("subscribed", shard))
            .subscriber(
                SubscribeToShardResponseHandler.Visitor.builder()
                    .onSubscribeToShardEvent(event -> take(shard, event, children))
                    .build())
            .build();
    CompletableFuture<Void> ended =
        kinesis.subscribeToShard(
            b ->
                b.consumerARN(consumer)
                    .shardId(shard)
                    .startingPosition(p -> p.type(ShardIteratorType.TRIM_HORIZON)),
            handler);
    return ended.thenCompose(
        nothing ->
            CompletableFuture.allOf(
                children.stream().map(this::follow).toArray(CompletableFuture[]::new)));
  }

  private void take(String shard, SubscribeToShardEvent event, List<String> children) {
    event
        .records()
        .forEach(
            record ->
                Line.say(
                    "shard", shard,
                    "data", record.data().asUtf8String(),
                    "number", record.sequenceNumber()));
    if (event.hasChildShards()) {
      event.childShards().stream().map(ChildShard::shardId).forEach(children::add);
      Line.say("ended", shard, "children", List.copyOf(children));
      return;
    }
    if (left.addAndGet(-event.records().size()) <= 0) {
      System.exit(0);
    }
  }
}

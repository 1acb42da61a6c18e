package millrace.clients;

import java.util.List;
import java.util.stream.IntStream;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.ProtocolNegotiation;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.KinesisException;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequest;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;

/**
 * Puts and reads with the SDK's Kinesis clients, which speak CBOR. The asynchronous one speaks HTTP/2
 * only: over TLS, or in clear without asking first.
 *
 * <p>Streams blocking|async|alpn STREAM
 */
public final class Streams {
  private static final int RECORDS = 20;

  private Streams() {}

  public static void main(String[] arguments) throws Exception {
    String kind = arguments[0];
    String stream = arguments[1];
    if (kind.equals("blocking")) {
      try (KinesisClient kinesis = KinesisClient.create()) {
        new Blocking(kinesis, stream).run();
      }
      return;
    }
    try (KinesisAsyncClient kinesis = async(kind.equals("alpn"))) {
      runAsync(kinesis, stream);
    }
  }

  static KinesisAsyncClient async(boolean alpn) {
    NettyNioAsyncHttpClient.Builder http = NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP2);
    if (alpn) {
      http.protocolNegotiation(ProtocolNegotiation.ALPN);
    }
    return KinesisAsyncClient.builder().httpClientBuilder(http).build();
  }

  private static List<PutRecordsRequestEntry> entries() {
    return IntStream.range(0, RECORDS)
        .mapToObj(
            i ->
                PutRecordsRequestEntry.builder()
                    .data(SdkBytes.fromUtf8String("record " + i))
                    .partitionKey("key")
                    .build())
        .toList();
  }

  private static void tell(GetRecordsResponse page) {
    page.records()
        .forEach(
            record ->
                Line.say(
                    "record", record.data().asUtf8String(),
                    "key", record.partitionKey(),
                    "number", record.sequenceNumber(),
                    "arrived", record.approximateArrivalTimestamp().toEpochMilli()));
    Line.say("behind", page.millisBehindLatest());
  }

  private static void tell(KinesisException refused) {
    Line.say(
        "refused", refused.getClass().getSimpleName(),
        "status", refused.statusCode(),
        "code", refused.awsErrorDetails().errorCode(),
        "message", refused.awsErrorDetails().errorMessage(),
        "request", refused.requestId());
  }

  private record Blocking(KinesisClient kinesis, String stream) {
    void run() {
      kinesis.createStream(b -> b.streamName(stream).shardCount(1));
      kinesis.waiter().waitUntilStreamExists(b -> b.streamName(stream));
      kinesis.putRecord(
          b -> b.streamName(stream).partitionKey("key").data(SdkBytes.fromUtf8String("first")));
      PutRecordsRequest many =
          PutRecordsRequest.builder().streamName(stream).records(entries()).build();
      Line.say("failed", kinesis.putRecords(many).failedRecordCount());
      String shard = kinesis.listShards(b -> b.streamName(stream)).shards().get(0).shardId();
      String iterator =
          kinesis
              .getShardIterator(
                  b ->
                      b.streamName(stream)
                          .shardId(shard)
                          .shardIteratorType(ShardIteratorType.TRIM_HORIZON))
              .shardIterator();
      tell(kinesis.getRecords(b -> b.shardIterator(iterator)));
      try {
        kinesis.describeStream(b -> b.streamName(stream + "-not"));
      } catch (ResourceNotFoundException refused) {
        tell(refused);
      }
      kinesis.deleteStream(b -> b.streamName(stream));
      kinesis.waiter().waitUntilStreamNotExists(b -> b.streamName(stream));
    }
  }

  private static void runAsync(KinesisAsyncClient kinesis, String stream) throws Exception {
    kinesis.createStream(b -> b.streamName(stream).shardCount(1)).get();
    kinesis.waiter().waitUntilStreamExists(b -> b.streamName(stream)).get();
    kinesis
        .putRecord(
            b -> b.streamName(stream).partitionKey("key").data(SdkBytes.fromUtf8String("first")))
        .get();
    PutRecordsRequest many =
        PutRecordsRequest.builder().streamName(stream).records(entries()).build();
    Line.say("failed", kinesis.putRecords(many).get().failedRecordCount());
    String shard = kinesis.listShards(b -> b.streamName(stream)).get().shards().get(0).shardId();
    String iterator =
        kinesis
            .getShardIterator(
                b ->
                    b.streamName(stream)
                        .shardId(shard)
                        .shardIteratorType(ShardIteratorType.TRIM_HORIZON))
            .get()
            .shardIterator();
    tell(kinesis.getRecords(b -> b.shardIterator(iterator)).get());
    kinesis
        .describeStream(b -> b.streamName(stream + "-not"))
        .handle(
            (answer, thrown) -> {
              tell((ResourceNotFoundException) thrown.getCause());
              return answer;
            })
        .get();
    kinesis.deleteStream(b -> b.streamName(stream)).get();
    kinesis.waiter().waitUntilStreamNotExists(b -> b.streamName(stream)).get();
  }
}

package millrace.clients;

import com.google.common.util.concurrent.ListenableFuture;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordFailedException;
import software.amazon.kinesis.producer.UserRecordResult;

/**
 * Puts records with the Kinesis Producer Library, many user records in one of Kinesis. It speaks TLS
 * only, and knows no endpoint variable.
 *
 * <p>Produce STREAM RECORDS KEYS AUTHORITY
 */
public final class Produce {
  private static final long RESULT_SECONDS = 60;

  /** How long the library may hold a record back. It asks for the stream's shards meanwhile. */
  private static final long BUFFERED_MILLISECONDS = 1000;

  private Produce() {}

  public static void main(String[] arguments) throws Exception {
    String stream = arguments[0];
    int records = Integer.parseInt(arguments[1]);
    int keys = Integer.parseInt(arguments[2]);
    KinesisProducer producer = new KinesisProducer(configuration(arguments[3]));
    try {
      List<ListenableFuture<UserRecordResult>> results = new ArrayList<>();
      for (int i = 0; i < records; ++i) {
        ByteBuffer data = ByteBuffer.wrap(("record " + i).getBytes(StandardCharsets.UTF_8));
        results.add(producer.addUserRecord(stream, "key " + i % keys, data));
        if (i == 0) {
          waitForShards(results.get(0));
        }
      }
      producer.flush();
      for (ListenableFuture<UserRecordResult> result : results) {
        tell(result);
      }
    } finally {
      producer.destroy();
    }
  }

  /** Before it knows the shards, the library puts each user record alone. */
  private static void waitForShards(ListenableFuture<UserRecordResult> first) throws Exception {
    try {
      first.get(RESULT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      // It is told with the others.
    }
  }

  private static KinesisProducerConfiguration configuration(String authority) {
    URI endpoint = URI.create(System.getenv("AWS_ENDPOINT_URL"));
    return new KinesisProducerConfiguration()
        .setRegion(System.getenv("AWS_REGION"))
        .setCredentialsProvider(DefaultCredentialsProvider.builder().build())
        .setKinesisEndpoint(endpoint.getHost())
        .setKinesisPort(endpoint.getPort())
        .setStsEndpoint(endpoint.getHost())
        .setStsPort(endpoint.getPort())
        .setCloudwatchEndpoint(endpoint.getHost())
        .setCloudwatchPort(endpoint.getPort())
        .setMetricsLevel("none")
        .setRecordMaxBufferedTime(BUFFERED_MILLISECONDS)
        .setCaCertFile(authority)
        .setAggregationEnabled(true);
  }

  private static void tell(ListenableFuture<UserRecordResult> result) throws Exception {
    try {
      UserRecordResult put = result.get(RESULT_SECONDS, TimeUnit.SECONDS);
      Line.say("put", put.getSequenceNumber(), "shard", put.getShardId());
    } catch (ExecutionException e) {
      Line.say(
          "failed",
          e.getCause() instanceof UserRecordFailedException refused
              ? refused.getResult().getAttempts().stream()
                  .map(attempt -> attempt.getErrorCode() + ": " + attempt.getErrorMessage())
                  .toList()
              : e.getCause().toString());
    }
  }
}

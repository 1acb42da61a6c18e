package millrace.functions;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.events.KinesisEvent;
import com.amazonaws.services.lambda.runtime.events.StreamsEventResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** Puts what records say into the table TABLE with AWS's SDK; those that say "bad" have failed. */
public final class Count implements RequestHandler<KinesisEvent, StreamsEventResponse> {
  private final DynamoDbClient tables =
      DynamoDbClient.builder().httpClientBuilder(ApacheHttpClient.builder()).build();

  @Override
  public StreamsEventResponse handleRequest(KinesisEvent event, Context context) {
    List<StreamsEventResponse.BatchItemFailure> failures = new ArrayList<>();
    for (KinesisEvent.KinesisEventRecord each : event.getRecords()) {
      KinesisEvent.Record record = each.getKinesis();
      String text = StandardCharsets.UTF_8.decode(record.getData()).toString();
      if (text.equals("bad")) {
        failures.add(new StreamsEventResponse.BatchItemFailure(record.getSequenceNumber()));
        continue;
      }
      tables.putItem(r -> r.tableName(System.getenv("TABLE")).item(Map.of(
          "id", AttributeValue.fromS(text),
          "key", AttributeValue.fromS(record.getPartitionKey()),
          "arrived", AttributeValue.fromN("" + record.getApproximateArrivalTimestamp().getTime()),
          "source", AttributeValue.fromS(each.getEventSourceARN()))));
    }
    return new StreamsEventResponse(failures);
  }
}

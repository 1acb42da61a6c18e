package millrace.functions;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.events.DynamodbEvent;
import com.amazonaws.services.lambda.runtime.events.models.dynamodb.AttributeValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Methods that are handlers without an interface: of a table's changes, and of a bare event. */
public final class Changes {
  /** What the event's records said, one text each. */
  public List<String> of(DynamodbEvent event, Context context) {
    List<String> said = new ArrayList<>();
    for (DynamodbEvent.DynamodbStreamRecord record : event.getRecords()) {
      Map<String, AttributeValue> image = record.getDynamodb().getNewImage();
      String line = record.getEventName() + " " + record.getDynamodb().getKeys().get("id").getS() + " "
          + image.get("n").getN() + " " + image.get("tags").getSS() + " "
          + image.get("deep").getM().get("list").getL().get(0).isBOOL() + " "
          + record.getDynamodb().getApproximateCreationDateTime().getTime() + " "
          + record.getDynamodb().getStreamViewType();
      said.add(line);
      context.getLogger().log("SAW \"" + line + "\"\n");
    }
    return said;
  }
}

package millrace.clients;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/**
 * A table with a sort key: written, counted, queried page by page, and refused.
 *
 * <p>Tables TABLE
 */
public final class Tables {
  private static final int ITEMS = 20;

  private final DynamoDbClient dynamo;
  private final String table;

  private Tables(DynamoDbClient dynamo, String table) {
    this.dynamo = dynamo;
    this.table = table;
  }

  public static void main(String[] arguments) {
    try (DynamoDbClient dynamo = DynamoDbClient.create()) {
      Tables tables = new Tables(dynamo, arguments[0]);
      tables.create();
      tables.write();
      tables.query();
      tables.refuse();
      dynamo.deleteTable(b -> b.tableName(arguments[0]));
      dynamo.waiter().waitUntilTableNotExists(b -> b.tableName(arguments[0]));
    }
  }

  private void create() {
    dynamo.createTable(
        b ->
            b.tableName(table)
                .billingMode(BillingMode.PAY_PER_REQUEST)
                .attributeDefinitions(
                    attribute("who", ScalarAttributeType.S), attribute("turn", ScalarAttributeType.N))
                .keySchema(key("who", KeyType.HASH), key("turn", KeyType.RANGE)));
    dynamo.waiter().waitUntilTableExists(b -> b.tableName(table));
  }

  private void write() {
    List<WriteRequest> puts =
        IntStream.range(0, ITEMS)
            .mapToObj(i -> WriteRequest.builder().putRequest(p -> p.item(item(i))).build())
            .toList();
    Line.say(
        "unprocessed",
        dynamo.batchWriteItem(b -> b.requestItems(Map.of(table, puts))).unprocessedItems().size());
    String count =
        dynamo
            .updateItem(
                b ->
                    b.tableName(table)
                        .key(Map.of("who", text("a"), "turn", number(3)))
                        .updateExpression("ADD seen :one")
                        .expressionAttributeValues(Map.of(":one", number(1)))
                        .returnValues(ReturnValue.UPDATED_NEW))
            .attributes()
            .get("seen")
            .n();
    Line.say("seen", count);
  }

  private void query() {
    QueryRequest request =
        QueryRequest.builder()
            .tableName(table)
            .keyConditionExpression("who = :who AND turn >= :from")
            .expressionAttributeValues(Map.of(":who", text("a"), ":from", number(5)))
            .limit(4)
            .build();
    dynamo
        .queryPaginator(request)
        .forEach(
            page ->
                Line.say("page", page.items().stream().map(item -> item.get("turn").n()).toList()));
  }

  private void refuse() {
    try {
      dynamo.putItem(
          b -> b.tableName(table).item(item(0)).conditionExpression("attribute_not_exists(who)"));
    } catch (ConditionalCheckFailedException refused) {
      Line.say("refused", refused.awsErrorDetails().errorMessage());
    }
    TransactWriteItem fine =
        TransactWriteItem.builder().put(p -> p.tableName(table).item(item(ITEMS))).build();
    TransactWriteItem not =
        TransactWriteItem.builder()
            .conditionCheck(
                c ->
                    c.tableName(table)
                        .key(Map.of("who", text("nobody"), "turn", number(0)))
                        .conditionExpression("attribute_exists(who)"))
            .build();
    try {
      dynamo.transactWriteItems(b -> b.transactItems(fine, not));
    } catch (TransactionCanceledException refused) {
      Line.say("cancelled", refused.cancellationReasons().stream().map(r -> r.code()).toList());
    }
  }

  private static Map<String, AttributeValue> item(int turn) {
    return Map.of("who", text("a"), "turn", number(turn), "more", text("é"));
  }

  private static AttributeValue text(String value) {
    return AttributeValue.fromS(value);
  }

  private static AttributeValue number(int value) {
    return AttributeValue.fromN(Integer.toString(value));
  }

  private static AttributeDefinition attribute(String name, ScalarAttributeType type) {
    return AttributeDefinition.builder().attributeName(name).attributeType(type).build();
  }

  private static KeySchemaElement key(String name, KeyType type) {
    return KeySchemaElement.builder().attributeName(name).keyType(type).build();
  }
}

package millrace.clients;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbAsyncTable;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbEnhancedAsyncClient;
import software.amazon.awssdk.enhanced.dynamodb.Key;
import software.amazon.awssdk.enhanced.dynamodb.TableSchema;
import software.amazon.awssdk.enhanced.dynamodb.model.QueryConditional;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;

/**
 * The enhanced client on Netty: many calls at once over few connections, pages as they are asked
 * for, and writers that meet at one item.
 *
 * <p>EnhancedAsync TABLE
 */
public final class EnhancedAsync {
  private static final int ITEMS = 200;
  private static final int WRITERS = 8;
  private static final int WRITES = 5;
  private static final long SECONDS = 60;

  private final DynamoDbAsyncClient plain;
  private final DynamoDbAsyncTable<Reading> table;

  private EnhancedAsync(DynamoDbAsyncClient plain, String name) {
    this.plain = plain;
    DynamoDbEnhancedAsyncClient client =
        DynamoDbEnhancedAsyncClient.builder()
            .dynamoDbClient(plain)
            .extensions(Enhanced.extensions())
            .build();
    table = client.table(name, TableSchema.fromBean(Reading.class));
  }

  public static void main(String[] arguments) throws Exception {
    try (DynamoDbAsyncClient plain = DynamoDbAsyncClient.create()) {
      EnhancedAsync async = new EnhancedAsync(plain, arguments[0]);
      async.refuse();
      wait(async.table.createTable());
      wait(plain.waiter().waitUntilTableExists(b -> b.tableName(arguments[0])));
      async.putAndPage();
      async.meet();
      wait(async.table.deleteTable());
      wait(plain.waiter().waitUntilTableNotExists(b -> b.tableName(arguments[0])));
    }
  }

  private static <T> T wait(CompletableFuture<T> future) throws Exception {
    return future.get(SECONDS, TimeUnit.SECONDS);
  }

  private static CompletableFuture<Void> all(List<CompletableFuture<Void>> futures) {
    return CompletableFuture.allOf(futures.toArray(new CompletableFuture<?>[0]));
  }

  private void refuse() throws Exception {
    String refused =
        wait(
            table
                .putItem(Reading.of("none", 1))
                .handle(
                    (nothing, error) ->
                        error instanceof CompletionException
                                && error.getCause() instanceof ResourceNotFoundException missing
                            ? missing.awsErrorDetails().errorMessage()
                            : String.valueOf(error)));
    Line.say("refused", refused);
  }

  private void putAndPage() throws Exception {
    wait(all(IntStream.range(0, ITEMS).mapToObj(i -> table.putItem(Reading.of("p", i))).toList()));
    List<Integer> turns = Collections.synchronizedList(new ArrayList<>());
    List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
    QueryConditional all = QueryConditional.keyEqualTo(Key.builder().partitionValue("p").build());
    wait(
        table
            .query(b -> b.queryConditional(all).limit(70).consistentRead(true))
            .subscribe(
                page -> {
                  sizes.add(page.items().size());
                  page.items().forEach(reading -> turns.add(reading.getTurn()));
                }));
    Line.say("sizes", sizes, "ordered", turns.equals(IntStream.range(0, ITEMS).boxed().toList()));
    List<Integer> some = Collections.synchronizedList(new ArrayList<>());
    wait(table.scan(b -> b.limit(9)).items().limit(30).subscribe(r -> some.add(r.getTurn())));
    Line.say("some", some.size());
  }

  /**
   * Each writer reads and writes until its version is the newest; none is lost, none counts twice.
   */
  private void meet() throws Exception {
    Reading reading = Reading.of("m", 1);
    wait(table.putItem(reading));
    wait(all(IntStream.range(0, WRITERS).mapToObj(i -> write(WRITES)).toList()));
    Reading last =
        wait(
            table.getItem(
                b -> b.key(k -> k.partitionValue("m").sortValue(1)).consistentRead(true)));
    Line.say("version", last.getVersion(), "writes", last.getWrites());
  }

  private CompletableFuture<Void> write(int times) {
    if (times == 0) {
      return CompletableFuture.completedFuture(null);
    }
    return table
        .getItem(b -> b.key(k -> k.partitionValue("m").sortValue(1)).consistentRead(true))
        .thenCompose(table::updateItem)
        .handle(
            (written, error) -> {
              if (error == null) {
                return write(times - 1);
              }
              return error.getCause() instanceof ConditionalCheckFailedException
                  ? write(times)
                  : CompletableFuture.<Void>failedFuture(error);
            })
        .thenCompose(next -> next);
  }
}

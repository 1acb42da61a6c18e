package millrace.clients;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.model.Tag;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.KinesisClientUtil;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.metrics.MetricsLevel;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.RetrievalSpecificConfig;
import software.amazon.kinesis.retrieval.fanout.FanOutConfig;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * One worker of an application of the Kinesis Client Library, from the oldest record on. It stops,
 * and checkpoints, when its standard input ends. Its times are shorter than the library's defaults,
 * so that a test is not mostly waiting, and it keeps the leases of shards that have ended, for the
 * test to look at. It has no CloudWatch.
 *
 * <p>With a WORKER it is one of several: it is called so, checkpoints with every batch of records,
 * and says how busy it is by the number of its shards.
 *
 * <p>Consume polling|fanout STREAM APPLICATION [WORKER]
 */
public final class Consume {
  private static final long TICK_MILLIS = 250;
  private static final long FAILOVER_MILLIS = 2_000;

  /**
   * Of how busy a worker is. Kept in whole seconds, it would seem out of date if told more often.
   */
  private static final long REPORT_MILLIS = 2_000;

  private static final long STOP_SECONDS = 30;

  private final KinesisAsyncClient kinesis =
      KinesisClientUtil.createKinesisAsyncClient(KinesisAsyncClient.builder());
  private final DynamoDbAsyncClient dynamo = DynamoDbAsyncClient.create();
  private final CloudWatchAsyncClient unused = CloudWatchAsyncClient.create();
  private final String stream;
  private final String application;
  private final Optional<String> worker;
  private final AtomicInteger shards = new AtomicInteger();

  private Consume(String stream, String application, Optional<String> worker) {
    this.stream = stream;
    this.application = application;
    this.worker = worker;
  }

  public static void main(String[] arguments) throws Exception {
    Optional<String> named = arguments.length > 3 ? Optional.of(arguments[3]) : Optional.empty();
    Consume consume = new Consume(arguments[1], arguments[2], named);
    Scheduler scheduler = consume.scheduler(arguments[0].equals("fanout"));
    Thread worker = new Thread(scheduler, "scheduler");
    worker.setDaemon(true);
    worker.start();
    waitForTheEndOfInput();
    boolean graceful = scheduler.startGracefulShutdown().get(STOP_SECONDS, TimeUnit.SECONDS);
    Line.say("stopped", graceful);
    System.exit(graceful ? 0 : 1);
  }

  private static void waitForTheEndOfInput() throws IOException {
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    while (input.readLine() != null) {}
  }

  private Scheduler scheduler(boolean fanOut) {
    InitialPositionInStreamExtended oldest =
        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON);
    ConfigsBuilder configs =
        new ConfigsBuilder(
            new SingleStreamTracker(stream, oldest),
            application,
            kinesis,
            dynamo,
            unused,
            worker.orElseGet(() -> UUID.randomUUID().toString()),
            this::processor);
    var leases =
        configs
            .leaseManagementConfig()
            .failoverTimeMillis(FAILOVER_MILLIS)
            .shardSyncIntervalMillis(TICK_MILLIS)
            .leaseAssignmentIntervalMillis(FAILOVER_MILLIS)
            .cleanupLeasesUponShardCompletion(false);
    if (worker.isPresent()) {
      shareLeases(leases);
    } else {
      leases.workerUtilizationAwareAssignmentConfig().disableWorkerMetrics(true);
    }
    return new Scheduler(
        configs.checkpointConfig(),
        configs
            .coordinatorConfig()
            .parentShardPollIntervalMillis(TICK_MILLIS)
            .shardConsumerDispatchPollIntervalMillis(TICK_MILLIS),
        leases,
        configs.lifecycleConfig(),
        configs
            .metricsConfig()
            .metricsLevel(MetricsLevel.NONE)
            .metricsFactory(new NullMetricsFactory()),
        configs.processorConfig(),
        configs.retrievalConfig().retrievalSpecificConfig(fanOut ? fanOut() : polling()));
  }

  /** What one of several workers needs, and what a table of leases may have besides. */
  private void shareLeases(LeaseManagementConfig leases) {
    leases
        .dynamoDbLockBasedLeaderHeartbeatPeriodInMillis(TICK_MILLIS)
        .dynamoDbLockBasedLeaderLeaseDurationInMillis(FAILOVER_MILLIS)
        .leaseTableDeletionProtectionEnabled(true)
        .leaseTablePitrEnabled(true)
        .tags(List.of(Tag.builder().key("application").value(application).build()));
    leases
        .workerUtilizationAwareAssignmentConfig()
        .inMemoryWorkerMetricsCaptureFrequencyMillis(TICK_MILLIS)
        .workerMetricsReporterFreqInMillis(REPORT_MILLIS)
        .varianceBalancingFrequency(1)
        .workerMetricList(List.of(new Load(shards)));
  }

  private RetrievalSpecificConfig fanOut() {
    return new FanOutConfig(kinesis).streamName(stream).applicationName(application);
  }

  private RetrievalSpecificConfig polling() {
    return new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(TICK_MILLIS);
  }

  private ShardRecordProcessor processor() {
    return new Processor(shards, worker.isPresent());
  }
}

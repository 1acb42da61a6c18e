package millrace.clients;

import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.kinesis.worker.metric.OperatingRange;
import software.amazon.kinesis.worker.metric.WorkerMetric;
import software.amazon.kinesis.worker.metric.WorkerMetricType;

/** How busy a worker says that it is: so much for each of its shards. */
final class Load implements WorkerMetric {
  private static final double PERCENT_A_SHARD = 10;
  private static final int PERCENT_MAX = 90;

  private final AtomicInteger shards;

  Load(AtomicInteger shards) {
    this.shards = shards;
  }

  @Override
  public String getShortName() {
    return WorkerMetricType.CPU.getShortName();
  }

  @Override
  public WorkerMetricValue capture() {
    return WorkerMetricValue.builder().value(PERCENT_A_SHARD * shards.get()).build();
  }

  @Override
  public OperatingRange getOperatingRange() {
    return OperatingRange.builder().maxUtilization(PERCENT_MAX).build();
  }

  @Override
  public WorkerMetricType getWorkerMetricType() {
    return WorkerMetricType.CPU;
  }
}

package millrace.clients;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/** Tells each record of one shard, and checkpoints where the shard or the worker ends. */
final class Processor implements ShardRecordProcessor {
  private final AtomicInteger shards;
  private final boolean checkpointsOften;
  private String shard;

  Processor(AtomicInteger shards, boolean checkpointsOften) {
    this.shards = shards;
    this.checkpointsOften = checkpointsOften;
  }

  @Override
  public void initialize(InitializationInput input) {
    shard = input.shardId();
    shards.incrementAndGet();
    Line.say("started", shard, "from", input.extendedSequenceNumber().sequenceNumber());
  }

  @Override
  public void processRecords(ProcessRecordsInput input) {
    for (KinesisClientRecord record : input.records()) {
      Line.say(
          "record", StandardCharsets.UTF_8.decode(record.data()).toString(),
          "key", record.partitionKey(),
          "shard", shard,
          "number", record.sequenceNumber(),
          "sub", record.subSequenceNumber(),
          "aggregated", record.aggregated());
    }
    if (checkpointsOften && !input.records().isEmpty()) {
      checkpoint(input.checkpointer());
    }
  }

  @Override
  public void leaseLost(LeaseLostInput input) {
    shards.decrementAndGet();
    Line.say("lost", shard);
  }

  @Override
  public void shardEnded(ShardEndedInput input) {
    checkpoint(input.checkpointer());
    shards.decrementAndGet();
    Line.say("ended", shard);
  }

  @Override
  public void shutdownRequested(ShutdownRequestedInput input) {
    checkpoint(input.checkpointer());
    Line.say("checkpointed", shard);
  }

  private void checkpoint(RecordProcessorCheckpointer checkpointer) {
    try {
      checkpointer.checkpoint();
    } catch (InvalidStateException | ShutdownException e) {
      throw new IllegalStateException("no checkpoint of " + shard, e);
    }
  }
}

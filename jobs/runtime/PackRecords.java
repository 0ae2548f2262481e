import java.nio.charset.StandardCharsets;
import java.time.Instant;

import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;

/**
 * Puts a record, a row (topic, partition, offset, timestamp, key, value), into one run of bytes under a constant key:
 * `topic partition offset timestamp key-length value-length`, line feed, key, value; a length of -1 stands for null.
 *
 * <p>`jobs/runtime/packing.py` reads them. They lie in state too (`jobs/runtime/entry_queue.py`), so what they look like never changes.
 */
public class PackRecords extends AbstractStreamOperator implements OneInputStreamOperator {

    private static final Integer ONLY_KEY = Integer.valueOf(0);

    public PackRecords(
            Object[] references, StreamTask task, StreamConfig streamConfig, Output output, ProcessingTimeService time) {
        setup(task, streamConfig, output);
        setProcessingTimeService(time);
    }

    public void processElement(StreamRecord element) {
        Row record = (Row) element.getValue();
        byte[] key = (byte[]) record.getField(4);
        byte[] value = (byte[]) record.getField(5);
        StringBuilder said = new StringBuilder(96);
        said.append((String) record.getField(0)).append(' ');
        said.append(((Integer) record.getField(1)).intValue()).append(' ');
        said.append(((Long) record.getField(2)).longValue()).append(' ');
        said.append(((Instant) record.getField(3)).toEpochMilli()).append(' ');
        said.append(key == null ? -1 : key.length).append(' ');
        said.append(value == null ? -1 : value.length).append('\n');
        byte[] head = said.toString().getBytes(StandardCharsets.ISO_8859_1);
        int keyLength = key == null ? 0 : key.length;
        int valueLength = value == null ? 0 : value.length;
        byte[] packed = new byte[head.length + keyLength + valueLength];
        System.arraycopy(head, 0, packed, 0, head.length);
        if (key != null) {
            System.arraycopy(key, 0, packed, head.length, keyLength);
        }
        if (value != null) {
            System.arraycopy(value, 0, packed, head.length + keyLength, valueLength);
        }
        Row row = new Row(2);
        row.setField(0, ONLY_KEY);
        row.setField(1, packed);
        output.collect(element.replace(row));
    }
}

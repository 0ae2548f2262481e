import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.formats.json.JsonDeserializationSchema;
import org.apache.flink.formats.json.JsonSerializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.DeserializationFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** A running balance in Flink's DataStream API. bench/peers/__init__.py says what it does. */
public class DataStreamBalance {

    public static class Line {
        public long amount;
    }

    public static class Purchase {
        public String account_id;
        public List<Line> lines;
    }

    public static class Decision {
        public String account;
        public long balance;
        public long sequence;

        public Decision() {}

        Decision(String account, long balance, long sequence) {
            this.account = account;
            this.balance = balance;
            this.sequence = sequence;
        }
    }

    static class Decide extends KeyedProcessFunction<String, Purchase, Decision> {
        private transient ValueState<Long> balance;
        private transient ValueState<Long> sequence;

        @Override
        public void open(OpenContext context) {
            balance = getRuntimeContext().getState(new ValueStateDescriptor<>("balance", Long.class));
            sequence = getRuntimeContext().getState(new ValueStateDescriptor<>("sequence", Long.class));
        }

        @Override
        public void processElement(Purchase purchase, Context context, Collector<Decision> out) throws Exception {
            long points = balance.value() == null ? 0 : balance.value();
            long number = sequence.value() == null ? 0 : sequence.value();
            for (Line line : purchase.lines) {
                points += line.amount / 10;
            }
            balance.update(points);
            sequence.update(number + 1);
            out.collect(new Decision(purchase.account_id, points, number + 1));
        }
    }

    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.setParallelism(1);
        environment.enableCheckpointing(Duration.ofSeconds(10).toMillis());
        KafkaSource<Purchase> purchases =
                KafkaSource.<Purchase>builder()
                        .setBootstrapServers(arguments[0])
                        .setTopics("loyalty.transactions")
                        .setGroupId("java-datastream")
                        .setStartingOffsets(OffsetsInitializer.earliest())
                        .setValueOnlyDeserializer(
                                new JsonDeserializationSchema<>(
                                        Purchase.class,
                                        () ->
                                                new ObjectMapper()
                                                        .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)))
                        .build();
        KafkaSink<Decision> balances =
                KafkaSink.<Decision>builder()
                        .setBootstrapServers(arguments[0])
                        .setRecordSerializer(
                                KafkaRecordSerializationSchema.<Decision>builder()
                                        .setTopic(arguments[1])
                                        .setKeySerializationSchema(
                                                decision -> decision.account.getBytes(StandardCharsets.UTF_8))
                                        .setValueSerializationSchema(new JsonSerializationSchema<Decision>())
                                        .build())
                        .build();
        environment
                .fromSource(purchases, WatermarkStrategy.noWatermarks(), "purchases")
                .keyBy(purchase -> purchase.account_id)
                .process(new Decide())
                .sinkTo(balances);
        environment.execute("java-datastream");
    }
}

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/** A running balance in Kafka Streams, its state in RocksDB with a changelog. bench/peers/__init__.py says what it does. */
public class KafkaStreamsBalance {

    @JsonIgnoreProperties(ignoreUnknown = true)
    public static class Line {
        public long amount;
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    public static class Purchase {
        public String account_id;
        public List<Line> lines;
    }

    public static class Decision {
        public String account;
        public long balance;
        public long sequence;
    }

    static <T> Serde<T> json(Class<T> type) {
        ObjectMapper mapper = new ObjectMapper();
        return Serdes.serdeFrom(
                (topic, content) -> {
                    try {
                        return content == null ? null : mapper.writeValueAsBytes(content);
                    } catch (IOException problem) {
                        throw new UncheckedIOException(problem);
                    }
                },
                (topic, bytes) -> {
                    try {
                        return bytes == null ? null : mapper.readValue(bytes, type);
                    } catch (IOException problem) {
                        throw new UncheckedIOException(problem);
                    }
                });
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        // The state's changelog is named by it: a run of its own begins with nothing.
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "kafka-streams-" + System.currentTimeMillis());
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory("kafka-streams").toString());
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        // Every update is a decision: none may be taken for one that a later one replaces.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream("loyalty.transactions", Consumed.with(Serdes.String(), json(Purchase.class)))
                .groupByKey()
                .aggregate(
                        Decision::new,
                        (account, purchase, decision) -> {
                            decision.account = account;
                            for (Line line : purchase.lines) {
                                decision.balance += line.amount / 10;
                            }
                            decision.sequence += 1;
                            return decision;
                        },
                        Materialized.with(Serdes.String(), json(Decision.class)))
                .toStream()
                .to(arguments[1], Produced.with(Serdes.String(), json(Decision.class)));

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}

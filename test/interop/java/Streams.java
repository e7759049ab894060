import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Consumed;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams: an application that counts words, each of them exactly once. */
public class Streams {
    private static final Map<String, KafkaStreams> RUNNING = new ConcurrentHashMap<>();

    /** Starts an instance: name, settings, input, output. Answers when it runs. */
    public static Object start(JsonNode with) throws Exception {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(with.get("input").asText(),
                Consumed.with(Serdes.String(), Serdes.String()))
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .selectKey((key, word) -> word)
            .groupByKey()
            .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
                .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
            .toStream()
            .mapValues(count -> count.toString())
            .to(with.get("output").asText(),
                Produced.with(Serdes.String(), Serdes.String()));

        // Every change of a count goes out: nothing is held back to be summed up.
        Properties properties = Clients.properties(with);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, "exactly_once");
        properties.put(StreamsConfig.CACHE_MAX_BYTES_BUFFERING_CONFIG, 0);
        properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG,
            Serdes.String().getClass());
        properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG,
            Serdes.String().getClass());
        KafkaStreams streams = new KafkaStreams(builder.build(), properties);
        RUNNING.put(with.get("name").asText(), streams);
        streams.start();
        while (streams.state() != KafkaStreams.State.RUNNING) {
            if (streams.state() == KafkaStreams.State.ERROR) {
                throw new IllegalStateException("it has failed");
            }
            Thread.sleep(20);
        }
        return true;
    }

    /** Ends an instance: name. */
    public static Object close(JsonNode with) {
        return RUNNING.remove(with.get("name").asText()).close(60, TimeUnit.SECONDS);
    }
}

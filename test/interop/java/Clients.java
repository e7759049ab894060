import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The Java clients, held open under a name from one call to the next. */
public class Clients {
    private static final Map<String, KafkaProducer<String, String>> PRODUCERS =
        new ConcurrentHashMap<>();

    /** Opens a producer: name, settings. */
    public static Object openProducer(JsonNode with) {
        // A topic is known before its leader leads: wait, and keep the order.
        Properties properties = properties(with);
        properties.putIfAbsent("retries", "1000");
        properties.putIfAbsent("max.in.flight.requests.per.connection", "1");
        KafkaProducer<String, String> producer = new KafkaProducer<>(
            properties, new StringSerializer(), new StringSerializer());
        if (with.get("settings").has("transactional.id")) producer.initTransactions();
        PRODUCERS.put(with.get("name").asText(), producer);
        return true;
    }

    /**
     * Sends values to topic, and to partition unless the producer shall choose; waits for
     * all. Answers their offsets.
     */
    public static Object send(JsonNode with) throws Exception {
        KafkaProducer<String, String> producer = producer(with);
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode value : with.get("values")) {
            sent.add(producer.send(new ProducerRecord<>(
                with.get("topic").asText(),
                with.has("partition") ? with.get("partition").asInt() : null,
                with.has("key") ? with.get("key").asText() : null, value.asText())));
        }
        producer.flush();
        List<Long> offsets = new ArrayList<>();
        for (Future<RecordMetadata> each : sent) offsets.add(each.get().offset());
        return offsets;
    }

    public static Object beginTransaction(JsonNode with) {
        producer(with).beginTransaction();
        return true;
    }

    public static Object commitTransaction(JsonNode with) {
        producer(with).commitTransaction();
        return true;
    }

    public static Object abortTransaction(JsonNode with) {
        producer(with).abortTransaction();
        return true;
    }

    /** Takes offsets of a group into the transaction: group, topic, offsets. */
    public static Object sendOffsets(JsonNode with) {
        producer(with).sendOffsetsToTransaction(offsets(with), with.get("group").asText());
        return true;
    }

    public static Object closeProducer(JsonNode with) {
        PRODUCERS.remove(with.get("name").asText()).close();
        return true;
    }

    /**
     * Reads partitions from their beginnings to their ends as they are now, without a
     * group: topic, settings. Answers [partition, offset, key, value] of each.
     */
    public static Object readAll(JsonNode with) {
        String topic = with.get("topic").asText();
        List<Object> got = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer(with)) {
            List<TopicPartition> partitions = partitions(consumer, topic);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                for (ConsumerRecord<String, String> r : consumer.poll(200)) got.add(row(r));
            }
        }
        return got;
    }

    /**
     * Joins a group, reads until count records came, commits, and leaves: topic, group in
     * the settings, count. Answers [partition, offset, key, value] of each.
     */
    public static Object consume(JsonNode with) {
        List<Object> got = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer(with)) {
            consumer.subscribe(Collections.singletonList(with.get("topic").asText()));
            long end = System.currentTimeMillis() + 60_000;
            while (got.size() < with.get("count").asInt()) {
                if (System.currentTimeMillis() > end) {
                    throw new IllegalStateException("only " + got.size() + " came");
                }
                for (ConsumerRecord<String, String> r : consumer.poll(200)) got.add(row(r));
            }
            consumer.commitSync();
        }
        return got;
    }

    /** Commits offsets of a group: topic, group in the settings, offsets by partition. */
    public static Object commit(JsonNode with) {
        try (KafkaConsumer<String, String> consumer = consumer(with)) {
            consumer.assign(partitions(consumer, with.get("topic").asText()));
            consumer.commitSync(offsets(with));
        }
        return true;
    }

    /** The offsets of a group: topic, group in the settings. By partition. */
    public static Object committed(JsonNode with) {
        Map<Integer, Object> found = new LinkedHashMap<>();
        try (KafkaConsumer<String, String> consumer = consumer(with)) {
            for (TopicPartition each : partitions(consumer, with.get("topic").asText())) {
                OffsetAndMetadata offset = consumer.committed(each);
                if (offset != null) found.put(each.partition(), offset.offset());
            }
        }
        return found;
    }

    private static KafkaProducer<String, String> producer(JsonNode with) {
        return PRODUCERS.get(with.get("name").asText());
    }

    private static KafkaConsumer<String, String> consumer(JsonNode with) {
        return new KafkaConsumer<>(
            properties(with), new StringDeserializer(), new StringDeserializer());
    }

    private static List<TopicPartition> partitions(
            KafkaConsumer<String, String> consumer, String topic) {
        return consumer.partitionsFor(topic).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .sorted((a, b) -> a.partition() - b.partition())
            .collect(Collectors.toList());
    }

    private static Map<TopicPartition, OffsetAndMetadata> offsets(JsonNode with) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        String topic = with.get("topic").asText();
        with.get("offsets").fields().forEachRemaining(each -> offsets.put(
            new TopicPartition(topic, Integer.parseInt(each.getKey())),
            new OffsetAndMetadata(each.getValue().asLong())));
        return offsets;
    }

    private static Object row(ConsumerRecord<String, String> record) {
        return new Object[] {
            record.partition(), record.offset(), record.key(), record.value()
        };
    }

    static Properties properties(JsonNode with) {
        Properties properties = new Properties();
        with.get("settings").fields().forEachRemaining(
            each -> properties.put(each.getKey(), each.getValue().asText()));
        return properties;
    }
}

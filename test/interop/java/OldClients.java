import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import kafka.consumer.Consumer;
import kafka.consumer.ConsumerConfig;
import kafka.consumer.ConsumerThreadId;
import kafka.consumer.KafkaStream;
import kafka.javaapi.consumer.ConsumerConnector;
import kafka.javaapi.consumer.ConsumerRebalanceListener;
import kafka.javaapi.producer.Producer;
import kafka.message.MessageAndMetadata;
import kafka.producer.KeyedMessage;
import kafka.producer.ProducerConfig;
import kafka.serializer.StringDecoder;
import kafka.utils.VerifiableProperties;

/** The Scala clients: consumers that meet in ZooKeeper, the producer of old. */
public class OldClients {
    private static class Member {
        ConsumerConnector connector;
        final List<Object> received = new ArrayList<>();
        volatile Map<String, Object> assignment = new TreeMap<>();
    }

    private static final Map<String, Member> MEMBERS = new ConcurrentHashMap<>();

    /** Joins a group: name, topic, streams, settings. */
    public static Object join(JsonNode with) {
        Member member = new Member();
        member.connector = Consumer.createJavaConsumerConnector(
            new ConsumerConfig(Clients.properties(with)));
        String topic = with.get("topic").asText();
        member.connector.setConsumerRebalanceListener(new ConsumerRebalanceListener() {
            @Override
            public void beforeReleasingPartitions(
                Map<String, java.util.Set<Integer>> ownership) {}

            @Override
            public void beforeStartingFetchers(String id,
                    Map<String, Map<Integer, ConsumerThreadId>> all) {
                Map<String, Object> owners = new TreeMap<>();
                all.getOrDefault(topic, Collections.emptyMap()).forEach(
                    (partition, thread) -> owners.put("" + partition, thread.toString()));
                member.assignment = owners;
            }
        });
        StringDecoder decoder = new StringDecoder(new VerifiableProperties());
        List<KafkaStream<String, String>> streams = member.connector
            .createMessageStreams(
                Collections.singletonMap(topic, with.get("streams").asInt()),
                decoder, decoder)
            .get(topic);
        for (KafkaStream<String, String> stream : streams) {
            Thread reader = new Thread(() -> {
                for (MessageAndMetadata<String, String> each : stream) {
                    synchronized (member.received) {
                        member.received.add(new Object[] {
                            each.partition(), each.offset(), each.key(), each.message()
                        });
                    }
                }
            });
            reader.setDaemon(true);
            reader.start();
        }
        MEMBERS.put(with.get("name").asText(), member);
        return true;
    }

    /** What a member received since it was last asked. */
    public static Object received(JsonNode with) {
        Member member = MEMBERS.get(with.get("name").asText());
        synchronized (member.received) {
            List<Object> rows = new ArrayList<>(member.received);
            member.received.clear();
            return rows;
        }
    }

    /** Who owns each partition, as a member computed it last. */
    public static Object assignment(JsonNode with) {
        return MEMBERS.get(with.get("name").asText()).assignment;
    }

    public static Object commit(JsonNode with) {
        MEMBERS.get(with.get("name").asText()).connector.commitOffsets(true);
        return true;
    }

    /** Leaves the group. */
    public static Object leave(JsonNode with) {
        MEMBERS.get(with.get("name").asText()).connector.shutdown();
        return true;
    }

    /** Sends keyed values with the old producer, and closes it: topic, values, settings. */
    public static Object produce(JsonNode with) {
        Producer<String, String> producer =
            new Producer<>(new ProducerConfig(Clients.properties(with)));
        List<KeyedMessage<String, String>> messages = new ArrayList<>();
        int at = 0;
        for (JsonNode value : with.get("values")) {
            messages.add(new KeyedMessage<>(
                with.get("topic").asText(), "key " + at++, value.asText()));
        }
        producer.send(messages);
        producer.close();
        return true;
    }
}

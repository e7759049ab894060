import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.tools.VerifiableConsumer;

/** Members of groups that brokers coordinate, each in a thread of its own. */
public class Members {
    private abstract static class Member {
        private List<String> values = new ArrayList<>();
        private int share;
        private boolean changed;
        private Thread thread;

        abstract void run();

        abstract void leave();

        synchronized void took(String value) {
            values.add(value);
            changed = true;
            notifyAll();
        }

        synchronized void shareIs(int partitions) {
            share = partitions;
            changed = true;
            notifyAll();
        }

        synchronized Object next() throws InterruptedException {
            while (!changed && thread.isAlive()) wait(100);
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("share", share);
            found.put("values", values);
            found.put("isOver", !changed);
            values = new ArrayList<>();
            changed = false;
            return found;
        }
    }

    private static final Map<String, Member> MEMBERS = new ConcurrentHashMap<>();

    /** A consumer: name, topic, settings. */
    public static Object join(JsonNode with) {
        KafkaConsumer<String, String> consumer = consumer(with);
        return start(with, new Member() {
            @Override
            void run() {
                String topic = with.get("topic").asText();
                consumer.subscribe(Collections.singleton(topic), listener(this));
                try {
                    while (true) {
                        for (ConsumerRecord<String, String> each : consumer.poll(200)) {
                            took(each.value());
                        }
                    }
                } catch (WakeupException toLeave) {
                    consumer.close();
                }
            }

            @Override
            void leave() {
                consumer.wakeup();
            }
        });
    }

    private static ConsumerRebalanceListener listener(Member member) {
        return new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                member.shareIs(partitions.size());
            }
        };
    }

    /** What is behind kafka-verifiable-consumer.sh: name, topic, settings. */
    public static Object joinVerifiable(JsonNode with) throws Exception {
        Member[] self = new Member[1];
        VerifiableConsumer consumer = new VerifiableConsumer(consumer(with),
            new PrintStream(new Lines(line -> self[0] == null ? null : told(self[0], line)),
                true, "UTF-8"),
            with.get("topic").asText(), -1, false, false, true);
        self[0] = new Member() {
            @Override
            void run() {
                consumer.run();
            }

            @Override
            void leave() {
                consumer.close();
            }
        };
        return start(with, self[0]);
    }

    /** An event, as the verifiable consumer prints it. */
    private static Object told(Member member, String line) throws Exception {
        JsonNode event = Host.JSON.readTree(line);
        String name = event.get("name").asText();
        if (name.equals("partitions_assigned")) {
            member.shareIs(event.get("partitions").size());
        } else if (name.equals("record_data")) {
            member.took(event.get("value").asText());
        }
        return null;
    }

    private static Object start(JsonNode with, Member member) {
        member.thread = new Thread(member::run);
        member.thread.start();
        MEMBERS.put(with.get("name").asText(), member);
        return true;
    }

    /** Waits for news of a member: its share, values since the last news, the end. */
    public static Object next(JsonNode with) throws Exception {
        return MEMBERS.get(with.get("name").asText()).next();
    }

    /** Has a member leave, and waits for that. */
    public static Object leave(JsonNode with) throws Exception {
        Member member = MEMBERS.get(with.get("name").asText());
        member.leave();
        member.thread.join();
        return true;
    }

    private static KafkaConsumer<String, String> consumer(JsonNode with) {
        return new KafkaConsumer<>(
            Clients.properties(with), new StringDeserializer(), new StringDeserializer());
    }

    /** Cuts what is printed into lines. */
    private static class Lines extends OutputStream {
        interface Use {
            Object line(String text) throws Exception;
        }

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final Use use;

        Lines(Use use) {
            this.use = use;
        }

        @Override
        public void write(int b) {
            if (b != '\n') {
                bytes.write(b);
                return;
            }
            try {
                use.line(bytes.toString("UTF-8"));
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
            bytes.reset();
        }
    }
}

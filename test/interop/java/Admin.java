import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** The Java AdminClient: one call makes a client, uses it, and closes it. */
public class Admin {
    private interface Use {
        Object with(AdminClient client) throws Exception;
    }

    private static Object use(JsonNode with, Use use) throws Throwable {
        try (AdminClient client = AdminClient.create(Clients.properties(with))) {
            return use.with(client);
        } catch (java.util.concurrent.ExecutionException error) {
            throw error.getCause();
        }
    }

    public static Object describeCluster(JsonNode with) throws Throwable {
        return use(with, client -> {
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("clusterId", client.describeCluster().clusterId().get());
            found.put("controller", client.describeCluster().controller().get().id());
            found.put("nodes", client.describeCluster().nodes().get().stream()
                .map(Node::id).sorted().collect(Collectors.toList()));
            return found;
        });
    }

    /** topic, partitions, replicas, configs; validateOnly. */
    public static Object createTopic(JsonNode with) throws Throwable {
        return use(with, client -> {
            Map<String, String> configs = new LinkedHashMap<>();
            with.get("configs").fields().forEachRemaining(
                each -> configs.put(each.getKey(), each.getValue().asText()));
            NewTopic topic = new NewTopic(with.get("topic").asText(),
                with.get("partitions").asInt(), (short) with.get("replicas").asInt());
            client.createTopics(Collections.singleton(topic.configs(configs)),
                new CreateTopicsOptions().validateOnly(with.get("validateOnly").asBoolean()))
                .all().get();
            return true;
        });
    }

    public static Object listTopics(JsonNode with) throws Throwable {
        return use(with, client -> new TreeSet<>(client.listTopics().names().get()));
    }

    /** Replicas of each partition of a topic. */
    public static Object describeTopic(JsonNode with) throws Throwable {
        return use(with, client -> {
            String topic = with.get("topic").asText();
            TopicDescription found = client.describeTopics(Collections.singleton(topic))
                .all().get().get(topic);
            Map<Integer, Object> partitions = new TreeMap<>();
            found.partitions().forEach(each -> partitions.put(each.partition(),
                each.replicas().stream().map(Node::id).collect(Collectors.toList())));
            return partitions;
        });
    }

    public static Object createPartitions(JsonNode with) throws Throwable {
        return use(with, client -> {
            client.createPartitions(Collections.singletonMap(with.get("topic").asText(),
                NewPartitions.increaseTo(with.get("count").asInt()))).all().get();
            return true;
        });
    }

    private static ConfigResource resource(JsonNode with) {
        return new ConfigResource(
            ConfigResource.Type.valueOf(with.get("type").asText()),
            with.get("name").asText());
    }

    /** What is set of a topic or broker: type, name. The value and its source by key. */
    public static Object describeConfigs(JsonNode with) throws Throwable {
        return use(with, client -> {
            ConfigResource resource = resource(with);
            Config config = client.describeConfigs(Collections.singleton(resource))
                .all().get().get(resource);
            Map<String, Object> found = new TreeMap<>();
            for (ConfigEntry each : config.entries()) {
                found.put(each.name(),
                    Arrays.asList(each.value(), each.source().toString()));
            }
            return found;
        });
    }

    public static Object alterConfigs(JsonNode with) throws Throwable {
        return use(with, client -> {
            Collection<ConfigEntry> entries = new java.util.ArrayList<>();
            with.get("configs").fields().forEachRemaining(each ->
                entries.add(new ConfigEntry(each.getKey(), each.getValue().asText())));
            client.alterConfigs(
                Collections.singletonMap(resource(with), new Config(entries))).all().get();
            return true;
        });
    }

    public static Object deleteRecords(JsonNode with) throws Throwable {
        return use(with, client -> {
            TopicPartition partition =
                new TopicPartition(with.get("topic").asText(), with.get("partition").asInt());
            return client.deleteRecords(Collections.singletonMap(partition,
                    RecordsToDelete.beforeOffset(with.get("before").asLong())))
                .lowWatermarks().get(partition).get().lowWatermark();
        });
    }

    public static Object deleteTopic(JsonNode with) throws Throwable {
        return use(with, client -> {
            client.deleteTopics(Collections.singleton(with.get("topic").asText()))
                .all().get();
            return true;
        });
    }
}

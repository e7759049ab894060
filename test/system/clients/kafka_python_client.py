"""kafka-python, as Debian ships it."""
import features
import kafka
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.admin import NewPartitions, NewTopic


class Reader:
    def __init__(self, consumer):
        self.consumer = consumer

    def poll(self):
        batches = self.consumer.poll(timeout_ms=100)
        return [record.value.decode() for batch in batches.values() for record in batch]

    def assigned(self):
        return len(self.consumer.assignment())

    def commit(self):
        self.consumer.commit()

    def close(self):
        self.consumer.close()


class Client:
    name = "kafka-python"
    version = kafka.__version__
    produce_idempotent = None
    transact = None
    delete_records = None

    def __init__(self, servers, broker):
        self.servers, self.broker = servers, broker
        self.admin = KafkaAdminClient(bootstrap_servers=servers)

    def produce(self, topic, values, codec):
        packed = None if codec == "none" else codec
        producer = kafka.KafkaProducer(
            bootstrap_servers=self.servers, compression_type=packed, acks="all", linger_ms=5
        )
        sent = [producer.send(topic, value.encode()) for value in values]
        for future in sent:
            future.get(timeout=features.PATIENCE_S)
        producer.close()

    def consumer(self, group, topic):
        return Reader(
            kafka.KafkaConsumer(
                topic,
                bootstrap_servers=self.servers,
                group_id=group,
                auto_offset_reset="earliest",
                heartbeat_interval_ms=100,
                metadata_max_age_ms=500,
            )
        )

    def create_topic(self, topic, partitions):
        self.admin.create_topics([NewTopic(topic, partitions, 2)])

    def list_topics(self):
        described = self.admin.describe_topics()
        return {topic["topic"]: len(topic["partitions"]) for topic in described}

    def grow_topic(self, topic, partitions):
        self.admin.create_partitions({topic: NewPartitions(partitions)})

    def delete_topic(self, topic):
        self.admin.delete_topics([topic])

    def topic_setting(self, topic, key):
        return self.setting(ConfigResourceType.TOPIC, topic, key)

    def set_topic_setting(self, topic, key, value):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})])

    def broker_setting(self, key):
        return self.setting(ConfigResourceType.BROKER, self.broker, key)

    def set_broker_setting(self, key, value):
        # For all brokers at once: it asks any broker, and one broker's are its own to change.
        self.admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "", {key: value})])

    def setting(self, kind, name, key):
        for response in self.admin.describe_configs([ConfigResource(kind, name)]):
            for resource in response.resources:
                return {entry[0]: entry[1] for entry in resource[4]}[key]

    def list_groups(self):
        return [group for group, _ in self.admin.list_consumer_groups()]

    def group_state(self, group):
        return self.admin.describe_consumer_groups([group])[0].state

    def delete_group(self, group):
        self.admin.delete_consumer_groups([group])


features.main(Client)

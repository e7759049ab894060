"""confluent-kafka, librdkafka under it, as Debian ships both."""
import confluent_kafka
import features
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic


class Reader:
    def __init__(self, consumer):
        self.consumer = consumer

    def poll(self):
        messages = self.consumer.consume(500, timeout=0.1)
        for message in messages:
            if message.error():
                raise confluent_kafka.KafkaException(message.error())
        return [message.value().decode() for message in messages]

    def assigned(self):
        return len(self.consumer.assignment())

    def commit(self):
        self.consumer.commit(asynchronous=False)

    def close(self):
        self.consumer.close()


def done(futures):
    return [future.result(features.PATIENCE_S) for future in futures.values()]


class Client:
    name = "confluent-kafka"
    version = f"{confluent_kafka.version()[0]}, librdkafka {confluent_kafka.libversion()[0]}"
    isolation = "read_committed"
    delete_records = None
    delete_group = None

    def __init__(self, servers, broker):
        self.servers, self.broker = servers, broker
        self.admin = AdminClient({"bootstrap.servers": servers})

    def produce(self, topic, values, codec, **more):
        config = {"bootstrap.servers": self.servers, "compression.type": codec, "acks": "all"}
        self.send(confluent_kafka.Producer({**config, "linger.ms": 5, **more}), topic, values)

    def send(self, producer, topic, values):
        failed = []

        def delivered(error, _):
            if error:
                failed.append(error)

        for value in values:
            producer.produce(topic, value.encode(), on_delivery=delivered)
        features.same(producer.flush(features.PATIENCE_S), 0)
        features.same(failed, [])

    def produce_idempotent(self, topic, values):
        self.produce(topic, values, "none", **{"enable.idempotence": True})

    def transact(self, topic, values, commit):
        config = {"bootstrap.servers": self.servers, "transactional.id": topic}
        producer = confluent_kafka.Producer(config)
        producer.init_transactions(features.PATIENCE_S)
        producer.begin_transaction()
        self.send(producer, topic, values)
        end = producer.commit_transaction if commit else producer.abort_transaction
        end(features.PATIENCE_S)

    def consumer(self, group, topic):
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "heartbeat.interval.ms": 100,
                "isolation.level": self.isolation,
                "fetch.wait.max.ms": 50,
            }
        )
        consumer.subscribe([topic])
        return Reader(consumer)

    def create_topic(self, topic, partitions):
        done(self.admin.create_topics([NewTopic(topic, partitions, 2)]))

    def list_topics(self):
        listed = self.admin.list_topics(timeout=features.PATIENCE_S).topics
        return {name: len(topic.partitions) for name, topic in listed.items()}

    def grow_topic(self, topic, partitions):
        done(self.admin.create_partitions([NewPartitions(topic, partitions)]))

    def delete_topic(self, topic):
        done(self.admin.delete_topics([topic]))

    def topic_setting(self, topic, key):
        return self.setting(ConfigResource.Type.TOPIC, topic, key)

    def set_topic_setting(self, topic, key, value):
        self.set_setting(ConfigResource.Type.TOPIC, topic, {key: value})

    def broker_setting(self, key):
        return self.setting(ConfigResource.Type.BROKER, self.broker, key)

    def set_broker_setting(self, key, value):
        self.set_setting(ConfigResource.Type.BROKER, self.broker, {key: value})

    def setting(self, kind, name, key):
        return done(self.admin.describe_configs([ConfigResource(kind, name)]))[0][key].value

    def set_setting(self, kind, name, settings):
        done(self.admin.alter_configs([ConfigResource(kind, name, settings)]))

    def list_groups(self):
        return [group.id for group in self.admin.list_groups(timeout=features.PATIENCE_S)]

    def group_state(self, group):
        described = self.admin.list_groups(group, timeout=features.PATIENCE_S)
        return described[0].state if described else None


features.main(Client)

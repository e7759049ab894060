"""What every Python client is asked to do, whatever its names for it are.

A client is an object with the methods below; one that lacks a feature has None in its
place. Each feature prints a line of JSON when it is through, and raises when it fails.

    produce(topic, values, codec)      consumer(group, topic) -> Reader
    produce_idempotent(topic, values)  transact(topic, values, commit)
    create_topic / list_topics / grow_topic / delete_topic
    topic_setting / set_topic_setting  broker_setting / set_broker_setting
    delete_records(topic, before)
    list_groups / group_state / delete_group

The program is called with the servers and the broker whose settings it shall change.
A Reader has poll() -> list of str, assigned() -> int, commit(), close().
"""
import json
import sys
import threading
import time

PATIENCE_S = 45


class Member(threading.Thread):
    """A consumer that reads in a thread of its own until it is told to leave."""

    def __init__(self, reader, group):
        super().__init__(daemon=True)
        self.reader, self.group = reader, group
        self.count, self.leaving, self.error = 0, False, None

    def run(self):
        try:
            while not self.leaving:
                values, count = self.reader.poll(), self.reader.assigned()
                with self.group.changed:
                    self.group.read.extend(values)
                    self.count = count
                    self.group.changed.notify_all()
            self.reader.close()
        except Exception as error:
            self.error = error
        finally:
            with self.group.changed:
                self.group.changed.notify_all()


class Group:
    """Members that share a topic, and all that they have read."""

    def __init__(self, client, name, topic):
        self.client, self.name, self.topic = client, name, topic
        self.changed = threading.Condition()
        self.members, self.read = [], []

    def join(self):
        member = Member(self.client.consumer(self.name, self.topic), self)
        self.members.append(member)
        member.start()

    def leave(self):
        member = self.members.pop(0)
        member.leaving = True
        member.join()
        if member.error:
            raise member.error

    def until(self, what, holds):
        def settled():
            return any(member.error for member in self.members) or holds()

        with self.changed:
            in_time = self.changed.wait_for(settled, PATIENCE_S)
        for member in self.members:
            if member.error:
                raise member.error
        if not in_time:
            raise AssertionError(f"waited in vain until {what}")

    def until_shares_are(self, *shares):
        def counts():
            return sorted(member.count for member in self.members)

        self.until(f"shares are {shares}", lambda: counts() == sorted(shares))

    def until_read(self, values):
        self.until(f"{len(values)} values are read", lambda: set(self.read) >= set(values))


def read_all(client, group, topic, count):
    """Reads that many values, commits, and closes."""
    reader, values = client.consumer(group, topic), []
    while len(values) < count:
        values.extend(reader.poll())
    reader.commit()
    reader.close()
    return values


def same(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r}, not {wanted!r}")


def codecs(client):
    for codec in ("none", "gzip", "snappy", "lz4"):
        topic = f"{client.name}-{codec}"
        client.create_topic(topic, 1)
        values = [f"{codec} {i} " + "again " * 40 for i in range(50)]
        client.produce(topic, values, codec)
        same(read_all(client, topic, topic, 50), values)


def group_of_three(client):
    topic = f"{client.name}-group"
    client.create_topic(topic, 6)
    group = Group(client, topic, topic)
    group.join()
    group.until_shares_are(6)
    group.join()
    group.join()
    group.until_shares_are(2, 2, 2)
    before = [f"before {i}" for i in range(60)]
    client.produce(topic, before, "none")
    group.until_read(before)

    # One goes; the two that stay share what it had.
    group.leave()
    group.until_shares_are(3, 3)
    after = [f"after {i}" for i in range(60)]
    client.produce(topic, after, "none")
    group.until_read(before + after)
    same(set(group.read), set(before + after))
    group.leave()
    group.leave()


def commit_and_resume(client):
    topic = f"{client.name}-resume"
    client.create_topic(topic, 1)
    client.produce(topic, ["a", "b", "c"], "none")
    same(read_all(client, topic, topic, 3), ["a", "b", "c"])
    client.produce(topic, ["d", "e"], "none")
    same(read_all(client, topic, topic, 2), ["d", "e"])


def idempotent(client):
    topic = f"{client.name}-idempotent"
    client.create_topic(topic, 1)
    values = [str(i) for i in range(200)]
    client.produce_idempotent(topic, values)
    same(read_all(client, topic, topic, 200), values)


def transactions(client):
    topic = f"{client.name}-transactions"
    client.create_topic(topic, 1)
    client.transact(topic, ["kept 1", "kept 2"], True)
    client.transact(topic, ["dropped"], False)
    client.transact(topic, ["kept 3"], True)
    kept = ["kept 1", "kept 2", "kept 3"]
    same(read_all(client, f"{topic}-committed", topic, 3), kept)
    client.isolation = "read_uncommitted"
    everything = ["kept 1", "kept 2", "dropped", "kept 3"]
    same(read_all(client, f"{topic}-all", topic, 4), everything)
    client.isolation = "read_committed"


def topics(client):
    topic = f"{client.name}-made"
    client.create_topic(topic, 2)
    same(client.list_topics()[topic], 2)
    client.grow_topic(topic, 4)
    same(client.list_topics()[topic], 4)
    client.delete_topic(topic)
    same(topic in client.list_topics(), False)


def settings(client):
    topic = f"{client.name}-settings"
    client.create_topic(topic, 1)
    same(client.topic_setting(topic, "retention.ms"), "604800000")
    client.set_topic_setting(topic, "retention.ms", "86400000")
    same(client.topic_setting(topic, "retention.ms"), "86400000")


def deleted_records(client):
    topic = f"{client.name}-shortened"
    client.create_topic(topic, 1)
    client.produce(topic, ["a", "b", "c", "d"], "none")
    client.delete_records(topic, 2)
    same(read_all(client, topic, topic, 2), ["c", "d"])


def broker_settings(client):
    client.set_broker_setting("log.cleaner.threads", "2")
    until_is(lambda: client.broker_setting("log.cleaner.threads"), "2")


def until_is(ask, wanted):
    """The brokers hear of a change one after the other."""
    end = time.monotonic() + PATIENCE_S
    while ask() != wanted:
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {wanted!r}")
        time.sleep(0.02)


def groups(client):
    group = f"{client.name}-resume"
    until_is(lambda: client.group_state(group), "Empty")
    same(group in client.list_groups(), True)


def deleted_group(client):
    group = f"{client.name}-resume"
    client.delete_group(group)
    same(group in client.list_groups(), False)


FEATURES = [
    ("all codecs, read back by another client, too", codecs, "produce"),
    ("a group of three that come and go", group_of_three, "consumer"),
    ("commit and resume", commit_and_resume, "consumer"),
    ("idempotent produce", idempotent, "produce_idempotent"),
    ("transactions, committed and aborted, read both ways", transactions, "transact"),
    ("topics made, grown and deleted", topics, "grow_topic"),
    ("records deleted up to an offset", deleted_records, "delete_records"),
    ("settings of a topic shown and changed", settings, "set_topic_setting"),
    ("settings of a broker shown and changed", broker_settings, "set_broker_setting"),
    ("groups listed and described", groups, "list_groups"),
    ("groups deleted", deleted_group, "delete_group"),
]


def main(client_of):
    client = client_of(sys.argv[1], sys.argv[2])
    print(json.dumps({"version": client.version}), flush=True)
    for feature, check, needs in FEATURES:
        offered = getattr(client, needs) is not None
        if offered:
            check(client)
        result = "passed" if offered else "not offered"
        print(json.dumps({"feature": feature, "result": result}), flush=True)

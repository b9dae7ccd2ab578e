"""Reads topics of Kafka from their ends, as a consumer that commits nothing."""

from __future__ import annotations

import fnmatch
import secrets as random_names
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.sinks.extraction import Extractor
from conformance.sinks.stored_event import SinkError
from conformance.sinks.worker import Worker

try:
    import confluent_kafka as kafka
except ImportError:  # an extra
    raise UsageError("a sink of kind kafka needs `pip install 'ingest-conformance[sinks]'`") from None

if TYPE_CHECKING:
    from conformance.sinks.secrets import SinkSecrets
    from conformance.sinks.sink import KafkaSource, Sink
    from conformance.sinks.stored_event import StoredEvent

_MESSAGES, _POLL_S = 1_000, 0.2


class KafkaReader:
    """The events in the messages of topics. Partitions are assigned: no group of consumers is joined."""

    def __init__(self, sink: Sink, source: KafkaSource, secrets: SinkSecrets) -> None:
        self._source, self._secrets = source, secrets
        self._extractor = Extractor(sink)
        self.skipped = self._extractor.skipped
        self._worker = Worker(3 * source.timeout_s + 5)
        self._consumer: Any = None
        self._topics = [secrets.expand(topic) for topic in source.topics]
        self._known: set[tuple[str, int]] = set()
        self._options: dict[str, Any] = {
            "group.id": f"conformance-{random_names.token_hex(8)}",
            "queued.max.messages.kbytes": 32_768,
            "allow.auto.create.topics": False,
            "log_level": 0,
            **{name: secrets.expand(value, is_secret=True) for name, value in source.options},
            "bootstrap.servers": secrets.expand(source.brokers),
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": False,
            "auto.offset.reset": "error",
        }

    async def start(self) -> None:
        """Goes to the end of each partition."""
        await self._worker.run(self._start)

    async def read_new(self) -> list[StoredEvent]:
        """The events of the next messages; a partition that is new since the start is read from its beginning."""
        events: list[StoredEvent] = []
        for record, content in await self._worker.run(self._read_new):
            events += self._extractor.events_of(content, record)
        return events

    async def close(self) -> None:
        """Leaves the brokers."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await self._worker.run(consumer.close)
        self._worker.stop()

    def _start(self) -> None:
        try:
            self._consumer = kafka.Consumer(self._options, logger=None)
            places = []
            for topic, partition in self._partitions():
                _, end = self._consumer.get_watermark_offsets(
                    kafka.TopicPartition(topic, partition), timeout=self._source.timeout_s
                )
                places.append(kafka.TopicPartition(topic, partition, end))
                self._known.add((topic, partition))
            self._consumer.assign(places)
        except (kafka.KafkaException, ValueError, TypeError) as error:
            raise self._trouble(error) from None
        if not places:
            raise SinkError("there is no such topic")

    def _partitions(self) -> list[tuple[str, int]]:
        topics = self._consumer.list_topics(timeout=self._source.timeout_s).topics
        return [
            (name, partition)
            for name, topic in sorted(topics.items())
            if any(fnmatch.fnmatchcase(name, item) for item in self._topics)
            for partition in topic.partitions
        ]

    def _read_new(self) -> list[tuple[str, bytes]]:
        found = []
        try:
            messages = self._consumer.consume(_MESSAGES, _POLL_S)
            if not messages:
                fresh = [place for place in self._partitions() if place not in self._known]
                self._known.update(fresh)
                if fresh:
                    assigned = [*self._consumer.position(self._consumer.assignment())]
                    starts = [kafka.TopicPartition(*place, kafka.OFFSET_BEGINNING) for place in fresh]
                    self._consumer.assign([*assigned, *starts])
        except kafka.KafkaException as error:
            raise self._trouble(error) from None
        for message in messages:
            if message.error():
                if not message.error().retriable():
                    raise self._trouble(message.error())
            elif (value := message.value()) is not None:  # else it is a tombstone
                found.append((f"{message.topic()}[{message.partition()}] offset {message.offset()}", value))
        return found

    def _trouble(self, error: object) -> SinkError:
        return SinkError(self._secrets.clean(f"the brokers say: {error}"))

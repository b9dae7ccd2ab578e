"""Topics as a sink: the client library's own broker, which speaks Kafka's protocol on loopback."""

from __future__ import annotations

import asyncio
from typing import Any

import confluent_kafka as kafka

from tests.support.sink_files import reading, texts


def test_messages_are_read_from_the_end_of_a_topic() -> None:
    """What was published before the start is not read; all that follows is, from every partition."""
    producer: Any = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "x", "log_level": 0})
    producer.produce("events", b'{"old":1}')
    assert producer.flush(10) == 0
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))

    async def run() -> None:
        text = f"kind: kafka\nbrokers: {broker.host}:{broker.port}\ntopics: [events]\n"
        async with reading(text) as reader:
            for number in range(20):
                producer.produce("events", b'{"n":%d}' % number)
            producer.flush(10)
            assert sorted(await texts(reader, 20)) == sorted(f'{{"n":{number}}}' for number in range(20))

    asyncio.run(run())

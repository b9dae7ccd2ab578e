"""Sends events through a Python SDK: `python python_sdk.py PACKAGE`, with a JSON script on standard input."""

import importlib
import json
import logging
import sys

OPTIONS = {"flushAt": "upload_size", "maxRetries": "max_retries", "timeout": "timeout"}


def send(client, event):
    """Makes the call that an event stands for."""
    given = {key: event.get(key) for key in ("context", "timestamp", "integrations")}
    given["message_id"] = event.get("messageId")
    person = {"user_id": event.get("userId"), "anonymous_id": event.get("anonymousId")}
    named = {"category": event.get("category"), "name": event.get("name"), "properties": event.get("properties")}
    kind = event["type"]
    if kind == "track":
        client.track(event=event["event"], properties=event.get("properties"), **person, **given)
    elif kind == "identify":
        client.identify(traits=event.get("traits"), **person, **given)
    elif kind in ("page", "screen"):
        getattr(client, kind)(**named, **person, **given)
    elif kind == "group":
        client.group(group_id=event["groupId"], traits=event.get("traits"), **person, **given)
    elif kind == "alias":
        client.alias(event["previousId"], event["userId"], **given)
    else:
        raise ValueError(f"no call for {kind}")


def main():
    """Sends what the script says, and waits until the SDK is through with it."""
    script = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    errors = []
    config = script.get("config", {})
    options = {OPTIONS[key]: value for key, value in config.items() if key in OPTIONS}
    if "flushInterval" in config:
        options["upload_interval"] = config["flushInterval"] / 1000
    client = importlib.import_module(f"{sys.argv[1]}.client").Client(
        script["writeKey"],
        host=script["apiHost"],
        on_error=lambda error, batch: errors.append(f"{type(error).__name__}: {error} ({len(batch)} events)"),
        **options,
    )
    for sequence in script["sequences"]:
        for event in sequence["events"]:
            send(client, event)
    client.flush()
    client.shutdown()
    sys.stdout.write(json.dumps({"success": not errors, "error": next(iter(errors), None), "errors": errors}) + "\n")


main()

// Sends events through RudderStack's Rust SDK, with a JSON script on standard input. It sends each event by itself,
// or all of them in one batch if the strategy is `batching`.

use rudderanalytics::client::RudderAnalytics;
use rudderanalytics::message::{Alias, Batch, BatchMessage, Group, Identify, Message, Page, Screen, Track};
use serde_json::{from_value, json, Value};

fn main() {
    let script: Value = serde_json::from_reader(std::io::stdin()).expect("a script");
    let client = RudderAnalytics::load(text(&script["writeKey"]), text(&script["apiHost"]));
    let mut errors = Vec::new();
    for sequence in script["sequences"].as_array().expect("sequences") {
        let pause = sequence["delayMs"].as_u64().unwrap_or(0);
        std::thread::sleep(std::time::Duration::from_millis(pause));
        let events = sequence["events"].as_array().expect("events");
        let messages: Vec<Message> = if script["config"]["strategy"] == "batching" {
            let batch = events.iter().map(item).collect();
            vec![Message::Batch(Batch { batch, ..Default::default() })]
        } else {
            events.iter().map(message).collect()
        };
        for message in &messages {
            if let Err(error) = client.send(message) {
                errors.push(error.to_string());
            }
        }
    }
    println!("{}", json!({"success": errors.is_empty(), "error": errors.first(), "errors": errors}));
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_string()
}

macro_rules! made {
    ($kinds:ident, $event:expr) => {{
        let event = $event.clone();
        let made = match event["type"].as_str() {
            Some("track") => from_value::<Track>(event).map($kinds::Track),
            Some("identify") => from_value::<Identify>(event).map($kinds::Identify),
            Some("page") => from_value::<Page>(event).map($kinds::Page),
            Some("screen") => from_value::<Screen>(event).map($kinds::Screen),
            Some("group") => from_value::<Group>(event).map($kinds::Group),
            Some("alias") => from_value::<Alias>(event).map($kinds::Alias),
            other => panic!("no call for {other:?}"),
        };
        made.expect("an event")
    }};
}

fn message(event: &Value) -> Message {
    made!(Message, event)
}

fn item(event: &Value) -> BatchMessage {
    made!(BatchMessage, event)
}

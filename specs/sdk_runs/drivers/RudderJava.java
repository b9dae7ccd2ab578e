// Sends events through RudderStack's Java SDK: java RudderJava, with a JSON script on standard input.

import com.google.gson.Gson;
import com.rudderstack.sdk.java.analytics.Callback;
import com.rudderstack.sdk.java.analytics.RudderAnalytics;
import com.rudderstack.sdk.java.analytics.messages.*;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

public class RudderJava {
  static final List<String> ERRORS = Collections.synchronizedList(new ArrayList<>());
  static final AtomicInteger OPEN = new AtomicInteger();

  public static void main(String[] arguments) throws Exception {
    Map<String, Object> script =
        new Gson().fromJson(new InputStreamReader(System.in, StandardCharsets.UTF_8), Map.class);
    Map<String, Object> config = object(script, "config");
    RudderAnalytics.Builder builder =
        RudderAnalytics.builder((String) script.get("writeKey"))
            .setDataPlaneUrl((String) script.get("apiHost"))
            .callback(
                new Callback() {
                  public void success(Message message) {
                    OPEN.decrementAndGet();
                  }

                  public void failure(Message message, Throwable error) {
                    ERRORS.add(String.valueOf(error));
                    OPEN.decrementAndGet();
                  }
                });
    if (config.containsKey("flushAt")) builder.flushQueueSize(number(config, "flushAt"));
    if (config.containsKey("flushInterval")) {
      builder.flushInterval(Math.max(1000, number(config, "flushInterval")), TimeUnit.MILLISECONDS);
    }
    if (config.containsKey("maxRetries")) builder.retries(number(config, "maxRetries"));
    RudderAnalytics analytics = builder.build();
    for (Map<String, Object> sequence : (List<Map<String, Object>>) script.get("sequences")) {
      if (sequence.containsKey("delayMs")) Thread.sleep(number(sequence, "delayMs"));
      for (Map<String, Object> event : (List<Map<String, Object>>) sequence.get("events")) {
        OPEN.incrementAndGet();
        analytics.enqueue(message(event));
      }
    }
    analytics.flush();
    long end = System.currentTimeMillis() + (config.containsKey("closeMs") ? number(config, "closeMs") : 45000);
    while (OPEN.get() > 0 && System.currentTimeMillis() < end) Thread.sleep(20);
    analytics.shutdown();
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("success", ERRORS.isEmpty());
    result.put("error", ERRORS.isEmpty() ? null : ERRORS.get(0));
    result.put("errors", ERRORS);
    System.out.println(new Gson().toJson(result));
    System.exit(0);
  }

  static MessageBuilder<?, ?> message(Map<String, Object> event) {
    MessageBuilder<?, ?> builder = kind(event);
    if (event.get("userId") != null) builder.userId((String) event.get("userId"));
    if (event.get("anonymousId") != null) builder.anonymousId((String) event.get("anonymousId"));
    if (event.get("messageId") != null) builder.messageId((String) event.get("messageId"));
    if (event.get("context") != null) builder.context(object(event, "context"));
    return builder;
  }

  static MessageBuilder<?, ?> kind(Map<String, Object> event) {
    switch ((String) event.get("type")) {
      case "track":
        return TrackMessage.builder((String) event.get("event")).properties(object(event, "properties"));
      case "identify":
        return IdentifyMessage.builder().traits(object(event, "traits"));
      case "page":
        return PageMessage.builder((String) event.get("name")).properties(object(event, "properties"));
      case "screen":
        return ScreenMessage.builder((String) event.get("name")).properties(object(event, "properties"));
      case "group":
        return GroupMessage.builder((String) event.get("groupId")).traits(object(event, "traits"));
      case "alias":
        return AliasMessage.builder((String) event.get("previousId"));
      default:
        throw new IllegalArgumentException("no call for " + event.get("type"));
    }
  }

  static Map<String, Object> object(Map<String, Object> from, String key) {
    Object value = from.get(key);
    return value == null ? new HashMap<>() : (Map<String, Object>) value;
  }

  static int number(Map<String, Object> from, String key) {
    return ((Number) from.get(key)).intValue();
  }
}

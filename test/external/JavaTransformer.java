import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Each line in: {"type": class, "props": {}, "records": [record]}, where keys, values and headers are texts of
 * JsonConverter with schemas. Each line out: {"refused": message} or {"results": [result]}.
 */
public class JavaTransformer {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonConverter CONVERTER = new JsonConverter();

    public static void main(String[] args) throws Exception {
        CONVERTER.configure(Map.of("schemas.enable", "true", "replace.null.with.default", "false"), false);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode given = JSON.readTree(line);
            ObjectNode answer = JSON.createObjectNode();
            try {
                answer.set("results", answer(given));
            } catch (Refused e) {
                answer.put("refused", e.getMessage());
            }
            out.println(JSON.writeValueAsString(answer));
        }
        out.flush();
    }

    private static class Refused extends Exception {
        Refused(Throwable cause) {
            super(cause.toString());
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static ArrayNode answer(JsonNode given) throws Exception {
        Transformation transformation =
            (Transformation) Class.forName(given.get("type").asText()).getDeclaredConstructor().newInstance();
        Map<String, String> props = new HashMap<>();
        for (Iterator<Map.Entry<String, JsonNode>> it = given.get("props").fields(); it.hasNext();) {
            Map.Entry<String, JsonNode> entry = it.next();
            props.put(entry.getKey(), entry.getValue().asText());
        }
        try {
            transformation.configure(props);
        } catch (RuntimeException e) {
            throw new Refused(e);
        }
        ArrayNode results = JSON.createArrayNode();
        for (JsonNode record : given.get("records")) {
            ObjectNode result = results.addObject();
            ConnectRecord<?> changed;
            try {
                changed = transformation.apply(read(record));
            } catch (Exception e) {
                result.put("error", e.toString());
                continue;
            }
            try {
                write(changed, result);
            } catch (Exception e) {
                result.removeAll();
                result.put("unwritable", e.toString());
            }
        }
        transformation.close();
        return results;
    }

    private static SchemaAndValue data(JsonNode text) {
        return CONVERTER.toConnectData("t", text.isNull() ? null : text.asText().getBytes(StandardCharsets.UTF_8));
    }

    private static ConnectRecord<?> read(JsonNode record) {
        SchemaAndValue key = data(record.get("key"));
        SchemaAndValue value = data(record.get("value"));
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode header : record.get("headers")) headers.add(header.get(0).asText(), data(header.get(1)));
        Long timestamp = record.get("timestamp").isNull() ? null : record.get("timestamp").asLong();
        String topic = record.get("topic").asText();
        return record.get("sink").asBoolean()
            ? new SinkRecord(topic, 3, key.schema(), key.value(), value.schema(), value.value(), 77, timestamp,
                TimestampType.CREATE_TIME, headers)
            : new SourceRecord(Map.of(), Map.of(), topic, null, key.schema(), key.value(), value.schema(),
                value.value(), timestamp, headers);
    }

    private static void write(ConnectRecord<?> record, ObjectNode result) {
        if (record == null) {
            result.put("dropped", true);
            return;
        }
        result.put("topic", record.topic());
        result.put("partition", record.kafkaPartition());
        result.put("timestamp", record.timestamp());
        result.put("key", text(record.keySchema(), record.key()));
        result.put("value", text(record.valueSchema(), record.value()));
        ArrayNode headers = result.putArray("headers");
        for (Header header : record.headers())
            headers.addArray().add(header.key()).add(text(header.schema(), header.value()));
    }

    private static String text(Schema schema, Object value) {
        byte[] bytes = CONVERTER.fromConnectData("t", schema, value);
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}

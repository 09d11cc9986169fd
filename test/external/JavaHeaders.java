import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;

/**
 * Each line in: the bytes of a header in base64. Each line out: {"schema", "value", "written"}, which is what
 * SimpleHeaderConverter reads from them and the text that it writes of that, or {"error"}.
 */
public class JavaHeaders {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        SimpleHeaderConverter converter = new SimpleHeaderConverter();
        converter.configure(Map.of());
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                SchemaAndValue read = converter.toConnectHeader("t", "h", Base64.getDecoder().decode(line));
                answer.set("schema", schema(read.schema()));
                answer.set("value", value(read.schema(), read.value()));
                byte[] written = converter.fromConnectHeader("t", "h", read.schema(), read.value());
                answer.put("written", written == null ? null : new String(written, StandardCharsets.UTF_8));
            } catch (Exception e) {
                answer.put("error", e.toString());
            }
            out.println(JSON.writeValueAsString(answer));
        }
        out.flush();
    }

    private static JsonNode schema(Schema schema) {
        if (schema == null) return JSON.nullNode();
        ArrayNode node = JSON.createArrayNode();
        node.add(schema.type().name());
        node.add(schema.name());
        node.add(schema.version());
        node.add(schema.isOptional());
        node.add(schema.parameters() == null ? null : schema.parameters().get("scale"));
        if (schema.type() == Schema.Type.MAP) node.add(schema(schema.keySchema()));
        if (schema.type() == Schema.Type.MAP || schema.type() == Schema.Type.ARRAY)
            node.add(schema(schema.valueSchema()));
        return node;
    }

    private static JsonNode value(Schema schema, Object value) {
        if (value == null) return JSON.nullNode();
        if (value instanceof List) {
            ArrayNode node = JSON.createArrayNode();
            Schema of = schema == null ? null : schema.valueSchema();
            for (Object item : (List<?>) value) node.add(value(of, item));
            return node;
        }
        if (value instanceof Map) {
            ArrayNode node = JSON.createArrayNode();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet())
                node.addArray()
                    .add(value(schema == null ? null : schema.keySchema(), entry.getKey()))
                    .add(value(schema == null ? null : schema.valueSchema(), entry.getValue()));
            ObjectNode map = JSON.createObjectNode();
            map.set("map", node);
            return map;
        }
        return JSON.getNodeFactory().textNode(schema == null ? plain(value) : scalar(value));
    }

    /** An item of a list or map whose items have no common schema. */
    private static String plain(Object value) {
        if (value instanceof Date || value instanceof BigDecimal) return "text *";
        if (value instanceof Number) return "number " + ((Number) value).floatValue();
        return scalar(value);
    }

    private static String scalar(Object value) {
        if (value instanceof Date) return "date " + ((Date) value).getTime();
        if (value instanceof BigDecimal)
            return "decimal " + ((BigDecimal) value).unscaledValue() + " " + ((BigDecimal) value).scale();
        if (value instanceof Float) return "float " + Integer.toHexString(Float.floatToIntBits((Float) value));
        if (value instanceof Double) return "double " + Long.toHexString(Double.doubleToLongBits((Double) value));
        if (value instanceof Number) return "int " + value;
        if (value instanceof Boolean) return "boolean " + value;
        if (value instanceof byte[]) return "bytes " + Base64.getEncoder().encodeToString((byte[]) value);
        return "text " + value;
    }
}

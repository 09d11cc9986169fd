import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.apicurio.registry.utils.converter.avro.AvroData;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * Each line in: {"record": a record with its schema, as JsonConverter writes it; "hex": the same in Avro}. Each line out:
 * {"text", "hex", "back", "read"}: the Avro schema and bytes that AvroData makes of the record, and the records that it
 * reads from its own bytes and from those given, as JsonConverter writes them; or {"error"}.
 */
public class JavaAvro {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of("schemas.cache.size", "10"), false);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                ObjectNode question = (ObjectNode) JSON.readTree(line);
                byte[] record = JSON.writeValueAsBytes(question.get("record"));
                SchemaAndValue given = converter.toConnectData("t", record);
                AvroData data = new AvroData(10);
                org.apache.avro.Schema schema = data.fromConnectSchema(given.schema());
                answer.put("text", schema.toString());
                Object value = data.fromConnectData(given.schema(), given.value());
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
                new GenericDatumWriter<Object>(schema).write(value, encoder);
                encoder.flush();
                answer.put("hex", HexFormat.of().formatHex(bytes.toByteArray()));
                answer.set("back", read(converter, schema, bytes.toByteArray()));
                answer.set("read", read(converter, schema, HexFormat.of().parseHex(question.get("hex").asText())));
            } catch (Throwable e) {
                answer.put("error", e.toString());
            }
            out.println(JSON.writeValueAsString(answer));
        }
        out.flush();
    }

    private static com.fasterxml.jackson.databind.JsonNode read(
            JsonConverter converter, org.apache.avro.Schema schema, byte[] bytes) throws Exception {
        Object value = new GenericDatumReader<Object>(schema).read(null, DecoderFactory.get().binaryDecoder(bytes, null));
        SchemaAndValue read = new AvroData(10).toConnectData(schema, value);
        return JSON.readTree(converter.fromConnectData("t", read.schema(), read.value()));
    }
}

import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Three transactions of Java's producer: `first` is committed, `aborted` is written and aborted, `last` is committed.
 *
 * Arguments: bootstrap servers, the topic, which must exist.
 */
public class Transactions {
    public static void main(String[] args) {
        Properties config = new Properties();
        config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        config.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, args[1]);
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            for (String value : new String[] {"first", "aborted", "last"}) {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(args[1], value));
                // What is not sent when a transaction is aborted never is.
                producer.flush();
                if (value.equals("aborted")) producer.abortTransaction();
                else producer.commitTransaction();
            }
        }
    }
}

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Each line in: flags of Pattern, a pattern and texts, in base64 with blanks between. Each line out: for each text 1
 * where the pattern matches the whole of it and 0 where it does not, or E where it is no pattern.
 */
public class JavaMatcher {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, "US-ASCII");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ");
            StringBuilder answer = new StringBuilder();
            try {
                Pattern pattern = Pattern.compile(text(parts[1]), Integer.parseInt(parts[0]));
                for (int at = 2; at < parts.length; at++)
                    answer.append(pattern.matcher(text(parts[at])).matches() ? '1' : '0');
            } catch (PatternSyntaxException e) {
                answer.append('E');
            } catch (RuntimeException | StackOverflowError e) {
                // Java's own faults: an index out of bounds for an odd class.
                answer.append('E');
            }
            out.println(answer);
        }
        out.flush();
    }

    /** A letter stands in front, so that the empty text has one, too. */
    private static String text(String part) {
        return new String(Base64.getDecoder().decode(part), StandardCharsets.UTF_8).substring(1);
    }
}

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.utils.Exit;

/**
 * Programs of Apache Kafka, many of them in one machine: a start of Java costs more than
 * most of what they do. A line of JSON on the input starts something in a thread of its
 * own, a line of JSON on the output says how it ended.
 *
 * {"id": 1, "main": "kafka.admin.TopicCommand", "args": ["--list", …], "stdin": "…"}
 * {"id": 1, "status": 0, "stdout": "…", "stderr": "…"}
 *
 * {"id": 2, "call": "Clients.send", "with": {…}}
 * {"id": 2, "value": …}   or   {"id": 2, "error": "…"}
 */
public class Host {
    static final ObjectMapper JSON = new ObjectMapper();

    /** What a thread, and those that it starts, write to and read from. */
    private static class Streams {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        InputStream in = new ByteArrayInputStream(new byte[0]);
    }

    private static final InheritableThreadLocal<Streams> STREAMS =
        new InheritableThreadLocal<>();

    /** How a program asks to end; it ends its thread, not the machine. */
    private static class Exited extends RuntimeException {
        final int status;

        Exited(int status) {
            super("exit " + status, null, false, false);
            this.status = status;
        }
    }

    public static void main(String[] args) throws Exception {
        // Before any other class looks at them: Scala keeps what it finds first.
        PrintStream answers = System.out;
        PrintStream lost = System.err;
        System.setOut(perThread(false, lost));
        System.setErr(perThread(true, lost));
        System.setIn(new InputStream() {
            @Override
            public int read() throws java.io.IOException {
                Streams mine = STREAMS.get();
                return mine == null ? -1 : mine.in.read();
            }
        });
        Exit.Procedure exit = (status, message) -> {
            if (message != null) System.err.println(message);
            throw new Exited(status);
        };
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);

        BufferedReader requests = new BufferedReader(
            new InputStreamReader(new java.io.FileInputStream(java.io.FileDescriptor.in),
                StandardCharsets.UTF_8));
        for (String line; (line = requests.readLine()) != null; ) {
            JsonNode request = JSON.readTree(line);
            Thread thread = new Thread(() -> answer(answers, request));
            thread.start();
        }
        Runtime.getRuntime().halt(0);
    }

    private static void answer(PrintStream answers, JsonNode request) {
        Streams mine = new Streams();
        STREAMS.set(mine);
        ObjectNode answer = JSON.createObjectNode();
        answer.set("id", request.get("id"));
        if (request.has("main")) {
            answer.put("status", run(request, mine));
            answer.put("stdout", text(mine.out));
            answer.put("stderr", text(mine.err));
        } else {
            try {
                answer.set("value", JSON.valueToTree(call(request)));
            } catch (Throwable error) {
                answer.put("error", trace(error));
            }
        }
        String line = answer.toString();
        synchronized (answers) {
            answers.println(line);
            answers.flush();
        }
    }

    private static int run(JsonNode request, Streams mine) {
        try {
            if (request.has("stdin")) {
                byte[] in = request.get("stdin").asText().getBytes(StandardCharsets.UTF_8);
                mine.in = new ByteArrayInputStream(in);
            }
            Class<?> program = Class.forName(request.get("main").asText());
            forgetRuns(program.getName());
            String[] args = JSON.convertValue(request.get("args"), String[].class);
            program.getMethod("main", String[].class).invoke(null, (Object) args);
            return 0;
        } catch (InvocationTargetException error) {
            if (error.getCause() instanceof Exited) return ((Exited) error.getCause()).status;
            System.err.println(trace(error.getCause()));
            return 1;
        } catch (Exited exited) {
            return exited.status;
        } catch (Throwable error) {
            System.err.println(trace(error));
            return 1;
        }
    }

    /** The console consumer counts messages in its class: of all runs. */
    private static void forgetRuns(String program) throws Exception {
        if (!program.equals("kafka.tools.ConsoleConsumer")) return;
        Object module = Class.forName(program + "$").getField("MODULE$").get(null);
        module.getClass().getMethod("messageCount_$eq", int.class).invoke(module, 0);
    }

    private static Object call(JsonNode request) throws Throwable {
        String[] name = request.get("call").asText().split("\\.");
        try {
            return Class.forName(name[0])
                .getMethod(name[1], JsonNode.class)
                .invoke(null, request.get("with"));
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }

    private static PrintStream perThread(boolean err, PrintStream otherwise)
            throws Exception {
        return new PrintStream(new OutputStream() {
            private OutputStream target() {
                Streams mine = STREAMS.get();
                return mine == null ? otherwise : err ? mine.err : mine.out;
            }

            @Override
            public void write(int b) throws java.io.IOException {
                target().write(b);
            }

            @Override
            public void write(byte[] bytes, int from, int length)
                    throws java.io.IOException {
                target().write(bytes, from, length);
            }
        }, true, "UTF-8");
    }

    private static String text(ByteArrayOutputStream bytes) {
        return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
    }

    static String trace(Throwable error) {
        java.io.StringWriter text = new java.io.StringWriter();
        error.printStackTrace(new java.io.PrintWriter(text));
        return text.toString();
    }
}

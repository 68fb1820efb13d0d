import com.google.googlejavaformat.java.Main;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks (<code>--check</code>) or rewrites (<code>--apply</code>) every Java file below the given
 * folders with google-java-format. Run by the build in the phase verify.
 */
public class Format {
  public static void main(String[] args) throws Exception {
    boolean apply = args[0].equals("--apply");
    List<String> arguments = new ArrayList<>();
    arguments.addAll(apply ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
    int options = arguments.size();
    for (int i = 1; i < args.length; i++) {
      Path folder = Path.of(args[i]);
      if (Files.isDirectory(folder)) {
        try (var files = Files.walk(folder)) {
          files.map(Path::toString).filter(file -> file.endsWith(".java")).forEach(arguments::add);
        }
      }
    }
    if (arguments.size() == options) {
      return;
    }
    var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int status = new Main(out, err, System.in).format(arguments.toArray(String[]::new));
    if (status != 0 && !apply) {
      err.println(
          "The files above are not formatted. To format them: mvn -q verify -DskipTests"
              + " -Dformat.mode=--apply");
    }
    System.exit(status);
  }
}

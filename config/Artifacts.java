import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * Builds the libraries and writes docs/artifacts.md: how large each is, what it depends on, and
 * under which licences that is. Run in the root of the project, with JDK 25: <code>
 * java config/Artifacts.java</code>.
 */
public class Artifacts {
  private static final Path REPOSITORY =
      Path.of(
          System.getProperty(
              "maven.repo.local", System.getProperty("user.home") + "/.m2/repository"));
  private static final String TREE = "target/dependencies.txt";

  public static void main(String[] args) throws Exception {
    List<String> libraries = libraries();
    run(libraries);
    StringBuilder page = new StringBuilder();
    page.append("# Artifacts\n\nMade by `java config/Artifacts.java`.\n\n");
    page.append(
        "What an application gets with each library of the group `io.headrace`, at run time."
            + " Annotations (JSpecify) are not needed then.\n\n");
    page.append("| artifact | jar, KiB | all jars, KiB | jars |\n|---|---|---|---|\n");
    StringBuilder trees = new StringBuilder();
    SortedMap<String, TreeSet<String>> users = new TreeMap<>();
    for (String library : libraries) {
      List<String> lines = withoutOptional(Files.readAllLines(Path.of(library, TREE)));
      List<Coordinates> all = lines.stream().map(Coordinates::ofLine).toList();
      long own = size(all.getFirst());
      long sum = 0;
      for (Coordinates one : all) {
        sum += size(one);
        if (!one.isOurs()) {
          users
              .computeIfAbsent(one.toString(), key -> new TreeSet<>())
              .add(all.getFirst().artifact());
        }
      }
      page.append(
          "| `%s` | %,d | %,d | %d |%n"
              .formatted(all.getFirst().artifact(), kib(own), kib(sum), all.size()));
      trees.append("\n```\n");
      lines.forEach(line -> trees.append(withoutTypeAndScope(line)).append('\n'));
      trees.append("```\n");
    }
    page.append(
            "\n"
                + "Sources and Javadoc are beside each. `headrace-bom` has their versions.\n\n"
                + "## Dependencies\n")
        .append(trees);
    page.append(
        "\n"
            + "## Licences\n\n"
            + "Headrace is under the Apache License 2.0.\n\n"
            + "| dependency | licence | comes with |\n"
            + "|---|---|---|\n");
    users.forEach(
        (name, by) ->
            page.append(
                "| %s | %s | %s |%n"
                    .formatted(name, licence(Coordinates.of(name)), String.join(", ", by))));
    Files.writeString(Path.of("docs/artifacts.md"), page);
  }

  /** A group, an artifact, a classifier or nothing, and a version. */
  record Coordinates(String group, String artifact, String classifier, String version) {
    /** A line such as <code>|  +- io.headrace:headrace-core:jar:0.1.0:compile</code>. */
    static Coordinates ofLine(String line) {
      return of(withoutTypeAndScope(line).replaceFirst("^[|+\\\\ -]*", ""));
    }

    static Coordinates of(String name) {
      String[] parts = name.split(":");
      return new Coordinates(
          parts[0], parts[1], parts.length > 3 ? parts[2] : "", parts[parts.length - 1]);
    }

    boolean isOurs() {
      return group.equals("io.headrace");
    }

    Path file(String extension) {
      boolean classified = extension.equals("jar") && !classifier.isEmpty();
      return REPOSITORY
          .resolve(group.replace('.', '/'))
          .resolve(artifact)
          .resolve(version)
          .resolve(
              artifact + "-" + version + (classified ? "-" + classifier : "") + "." + extension);
    }

    @Override
    public String toString() {
      return group
          + ":"
          + artifact
          + ":"
          + (classifier.isEmpty() ? "" : classifier + ":")
          + version;
    }
  }

  private static List<String> libraries() throws Exception {
    List<String> libraries = new ArrayList<>();
    var modules =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse("pom.xml")
            .getElementsByTagName("module");
    for (int i = 0; i < modules.getLength(); i++) {
      String module = modules.item(i).getTextContent();
      if (Files.exists(Path.of(module, "src/main/java/module-info.java"))) {
        libraries.add(module);
      }
    }
    return libraries;
  }

  private static void run(List<String> libraries) throws Exception {
    List<String> command =
        List.of(
            "mvn",
            "-q",
            "--batch-mode",
            "package",
            "-Dmaven.test.skip=true",
            "-Dformat.skip=true",
            "-pl",
            String.join(",", libraries),
            "dependency:tree",
            "-Dscope=runtime",
            "-DoutputFile=" + TREE);
    int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (exit != 0) {
      throw new IllegalStateException("mvn has failed: " + exit);
    }
  }

  /**
   * The tree without what an application does not get: optional dependencies, and what comes with
   * them alone. What Maven shows below one of them without this mark comes with another one, too,
   * and stays.
   */
  private static List<String> withoutOptional(List<String> tree) {
    List<Integer> levels = new ArrayList<>();
    List<String> names = new ArrayList<>();
    BitSet kept = new BitSet();
    for (String line : tree) {
      String name = line.replaceFirst("^[|+\\\\ -]*", "");
      int level = (line.length() - name.length()) / 3;
      kept.set(level, !name.endsWith(" (optional)"));
      if (kept.get(level)) {
        levels.add(kept.get(0, level).cardinality());
        names.add(name);
      }
    }
    return IntStream.range(0, names.size())
        .mapToObj(i -> branches(levels, i) + names.get(i))
        .toList();
  }

  private static String branches(List<Integer> levels, int i) {
    StringBuilder branches = new StringBuilder();
    int level = levels.get(i);
    for (int branch = 1; branch <= level; branch++) {
      boolean goesOn = goesOn(levels, i, branch);
      branches.append(branch < level ? (goesOn ? "|  " : "   ") : (goesOn ? "+- " : "\\- "));
    }
    return branches.toString();
  }

  private static boolean goesOn(List<Integer> levels, int i, int level) {
    int next = i + 1;
    while (next < levels.size() && levels.get(next) > level) {
      next++;
    }
    return next < levels.size() && levels.get(next) == level;
  }

  /** A line of the tree without what is the same everywhere. */
  private static String withoutTypeAndScope(String line) {
    return line.replace(":jar:", ":").replaceFirst(":(compile|runtime)( .*)?$", "");
  }

  private static long size(Coordinates one) throws IOException {
    return Files.size(
        one.isOurs()
            ? Path.of(
                one.artifact().replaceFirst("headrace-", ""),
                "target",
                one.artifact() + "-" + one.version() + ".jar")
            : one.file("jar"));
  }

  private static long kib(long bytes) {
    return Math.round(bytes / 1024.0);
  }

  /** That of the pom, or of the nearest parent that names one. */
  private static String licence(Coordinates one) {
    try {
      Element project =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(one.file("pom").toFile())
              .getDocumentElement();
      Element licences = child(project, "licenses");
      if (licences != null) {
        List<String> names = new ArrayList<>();
        for (Node node = licences.getFirstChild(); node != null; node = node.getNextSibling()) {
          if (node instanceof Element licence) {
            names.add(known(text(licence, "name")));
          }
        }
        return names.stream().distinct().collect(Collectors.joining(" or "));
      }
      Element parent = child(project, "parent");
      if (parent == null) {
        throw new IllegalStateException(one + " names no licence");
      }
      return licence(
          new Coordinates(
              text(parent, "groupId"), text(parent, "artifactId"), "", text(parent, "version")));
    } catch (IOException
        | javax.xml.parsers.ParserConfigurationException
        | org.xml.sax.SAXException e) {
      throw new IllegalStateException("the pom of " + one + " cannot be read", e);
    }
  }

  private static String known(String name) {
    String small = name.toLowerCase(Locale.ROOT);
    for (var entry :
        Map.of(
                "apache",
                "Apache-2.0",
                "mit",
                "MIT",
                "cc0",
                "CC0-1.0",
                "eclipse public license - v 2",
                "EPL-2.0")
            .entrySet()) {
      if (small.contains(entry.getKey())) {
        return entry.getValue();
      }
    }
    return name;
  }

  private static String text(Element parent, String name) {
    return child(parent, name).getTextContent().strip();
  }

  private static Element child(Element parent, String name) {
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element && element.getTagName().equals(name)) {
        return element;
      }
    }
    return null;
  }
}

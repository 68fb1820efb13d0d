package io.headrace.examples.guide;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The pages of the documentation: each Java example is a region of a source file, of a test that
 * runs or of a program that a test runs, and each link leads somewhere.
 */
class PagesTest {
  private static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();
  private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)\n```", Pattern.DOTALL);
  private static final Pattern BLOCK = Pattern.compile("```.*?```", Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("]\\(([^)#\\s]*)(#[^)\\s]+)?\\)");
  private static final Pattern START = Pattern.compile("( *)// @start region=\"\\w+\"");
  private static Set<String> regions = Set.of();

  @BeforeAll
  static void readRegions() throws IOException {
    regions = sources().stream().flatMap(file -> regions(file).stream()).collect(toSet());
  }

  /** Not in what builds and tools write, and delete, at any time. */
  private static List<Path> sources() throws IOException {
    List<Path> sources = new ArrayList<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            String name = String.valueOf(folder.getFileName());
            return name.equals("target") || name.equals(".git")
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.toString().endsWith(".java")) {
              sources.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return sources;
  }

  @TestFactory
  Stream<DynamicTest> everyExampleIsTested() throws IOException {
    return Stream.concat(
            Stream.of("README.md", "docs/observing.md", "docs/from-python.md").map(ROOT::resolve),
            markdown(ROOT.resolve("docs/guide")).stream())
        .map(page -> DynamicTest.dynamicTest(name(page), () -> checkExamples(page)));
  }

  private static void checkExamples(Path page) {
    List<String> unknown =
        EXAMPLE
            .matcher(read(page))
            .results()
            .map(example -> example.group(1))
            .filter(example -> !regions.contains(example) && !regions.contains(unclosed(example)))
            .toList();
    assertThat(unknown).as("examples of %s that are no region of a source file", page).isEmpty();
  }

  /** A region may end before the block does that it opens. */
  private static String unclosed(String example) {
    return example.endsWith("\n}") ? example.substring(0, example.length() - 2) : example;
  }

  @Test
  void everyLinkLeadsSomewhere() throws IOException {
    List<String> broken = new ArrayList<>();
    List<Path> pages = new ArrayList<>(markdown(ROOT.resolve("docs")));
    Stream.of("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
        .map(ROOT::resolve)
        .forEach(pages::add);
    for (Path page : pages) {
      String text = BLOCK.matcher(read(page)).replaceAll("");
      LINK.matcher(text)
          .results()
          .filter(link -> !leadsSomewhere(page, link))
          .forEach(link -> broken.add(name(page) + ": " + link.group()));
    }
    assertThat(broken).isEmpty();
  }

  private static boolean leadsSomewhere(Path page, MatchResult link) {
    String to = link.group(1);
    if (to.startsWith("http")) {
      return true;
    }
    Path target = to.isEmpty() ? page : page.resolveSibling(to);
    return Files.exists(target)
        && (link.group(2) == null || anchors(target).contains(link.group(2).substring(1)));
  }

  /** As GitHub makes them of the headings. */
  private static Set<String> anchors(Path page) {
    return read(page)
        .lines()
        .filter(line -> line.startsWith("#"))
        .map(line -> line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT))
        .map(title -> title.replaceAll("[^\\p{Alnum} _-]", "").replace(' ', '-'))
        .collect(toSet());
  }

  private static List<Path> markdown(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".md")).sorted().toList();
    }
  }

  /** The lines of each region, without its indentation. */
  private static List<String> regions(Path file) {
    List<String> found = new ArrayList<>();
    List<String> lines = read(file).lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      var start = START.matcher(lines.get(i));
      if (start.matches()) {
        String indentation = start.group(1);
        found.add(
            String.join(
                    "\n",
                    lines.stream()
                        .skip(i + 1)
                        .takeWhile(line -> !line.endsWith("// @end"))
                        .map(
                            line ->
                                line.startsWith(indentation)
                                    ? line.substring(indentation.length())
                                    : line)
                        .toList())
                .strip());
      }
    }
    return found;
  }

  private static String name(Path page) {
    return ROOT.relativize(page).toString();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package io.headrace.architecture;

import static java.util.stream.Collectors.toSet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * A module of the reactor, as a folder with compiled classes.
 *
 * @param name its folder, as the root pom names it
 * @param path where that is
 */
record MavenModule(String name, Path path) {
  /** Every module that the pom in a folder names, in its order. */
  static List<MavenModule> all(Path root) {
    List<MavenModule> modules = new ArrayList<>();
    for (String name : elements(root.resolve("pom.xml"), "module")) {
      modules.add(new MavenModule(name, root.resolve(name)));
    }
    if (modules.isEmpty()) {
      throw new IllegalArgumentException("no module in " + root.resolve("pom.xml"));
    }
    return modules;
  }

  Path mainClasses() {
    return path.resolve("target/classes");
  }

  Path testClasses() {
    return path.resolve("target/test-classes");
  }

  boolean hasMainSources() {
    return !files("src/main/java", ".java").isEmpty();
  }

  /** Folders that should hold classes and do not: the rules would pass because they see nothing. */
  List<Path> missing() {
    List<Path> missing = new ArrayList<>();
    if (hasMainSources() && files("target/classes", ".class").isEmpty()) {
      missing.add(mainClasses());
    }
    if (!files("src/test/java", ".java").isEmpty()
        && files("target/test-classes", ".class").isEmpty()) {
      missing.add(testClasses());
    }
    return missing;
  }

  /** The class files of main and of the tests, descriptors of modules excepted. */
  List<Path> classFiles() {
    List<Path> files = new ArrayList<>(files("target/classes", ".class"));
    files.addAll(files("target/test-classes", ".class"));
    files.removeIf(file -> file.endsWith("module-info.class"));
    return files;
  }

  /** The artifactId of this module. */
  String artifactId() {
    Path pom = path.resolve("pom.xml");
    int own = elements(pom, "parent").isEmpty() ? 0 : 1; // the first one is the parent's
    return elements(pom, "artifactId").get(own);
  }

  /** The packages that its main classes are in. */
  Set<String> packages() {
    return files("target/classes", ".class").stream()
        .filter(file -> !file.endsWith("module-info.class"))
        .map(file -> mainClasses().relativize(file.getParent()).toString().replace('/', '.'))
        .collect(toSet());
  }

  /** The packages that are in more than one module: these cannot be on one module path. */
  static Map<String, List<String>> splitPackages(List<MavenModule> modules) {
    Map<String, List<String>> places = new TreeMap<>();
    for (MavenModule module : modules) {
      for (String name : module.packages()) {
        places.computeIfAbsent(name, key -> new ArrayList<>()).add(module.name());
      }
    }
    places.values().removeIf(names -> names.size() == 1);
    return places;
  }

  /** The text of each element of a name in an XML file. */
  static List<String> elements(Path file, String name) {
    try {
      NodeList nodes =
          DocumentBuilderFactory.newDefaultInstance()
              .newDocumentBuilder()
              .parse(file.toFile())
              .getElementsByTagName(name);
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < nodes.getLength(); i++) {
        texts.add(nodes.item(i).getTextContent().strip());
      }
      return texts;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (SAXException | ParserConfigurationException e) {
      throw new IllegalArgumentException("cannot read " + file, e);
    }
  }

  private List<Path> files(String folder, String suffix) {
    Path start = path.resolve(folder);
    if (!Files.isDirectory(start)) {
      return List.of();
    }
    try (var paths = Files.walk(start)) {
      return paths.filter(file -> file.toString().endsWith(suffix)).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

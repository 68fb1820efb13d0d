package io.headrace.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Modules are found, and what is missing is noticed. */
class MavenModuleTest {
  @TempDir Path root;

  @BeforeEach
  void twoModules() throws IOException {
    write(
        "pom.xml",
        "<project><modules><module>one</module><module>in/two</module></modules></project>");
  }

  @Test
  void everyModuleOfThePomIsFound() {
    assertThat(MavenModule.all(root))
        .extracting(MavenModule::name)
        .containsExactly("one", "in/two");
  }

  @Test
  void aPomWithoutModulesIsRefused() throws IOException {
    write("pom.xml", "<project/>");
    assertThatThrownBy(() -> MavenModule.all(root)).hasMessageContaining("no module in");
  }

  @Test
  void sourcesWithoutClassesAreMissing() throws IOException {
    write("one/src/main/java/One.java", "class One {}");
    write("one/src/test/java/OneTest.java", "class OneTest {}");
    MavenModule one = MavenModule.all(root).getFirst();
    assertThat(one.missing()).containsExactly(one.mainClasses(), one.testClasses());

    compile("one/src/main/java/One.java", one.mainClasses());
    assertThat(one.missing()).containsExactly(one.testClasses());
    assertThat(one.classFiles()).containsExactly(one.mainClasses().resolve("One.class"));
  }

  @Test
  void aModuleWithoutSourcesMissesNothing() {
    assertThat(MavenModule.all(root).getLast().missing()).isEmpty();
  }

  @Test
  void exportsAreReadFromTheDescriptor() throws IOException {
    write("one/src/main/java/shown/Shown.java", "package shown; public class Shown {}");
    write("one/src/main/java/hidden/Hidden.java", "package hidden; public class Hidden {}");
    write("one/src/main/java/module-info.java", "module one { exports shown; }");
    MavenModule one = MavenModule.all(root).getFirst();
    assertThat(Descriptors.exportedPackages(one.mainClasses())).isEmpty();

    compile("one/src/main/java/shown/Shown.java", one.mainClasses());
    compile("one/src/main/java/module-info.java", one.mainClasses());
    assertThat(Descriptors.exportedPackages(one.mainClasses())).contains(Set.of("shown"));
  }

  @Test
  void aPackageInTwoModulesIsNoticed() throws IOException {
    write("one/src/main/java/shared/One.java", "package shared; class One {}");
    write("one/src/main/java/own/Own.java", "package own; class Own {}");
    write("in/two/Two.java", "package shared; class Two {}");
    List<MavenModule> modules = MavenModule.all(root);
    compile("one/src/main/java/shared/One.java", modules.getFirst().mainClasses());
    compile("one/src/main/java/own/Own.java", modules.getFirst().mainClasses());
    compile("in/two/Two.java", modules.getLast().mainClasses());
    assertThat(MavenModule.splitPackages(modules))
        .isEqualTo(Map.of("shared", List.of("one", "in/two")));
  }

  @Test
  void aModuleWithoutAParentHasItsOwnName() throws IOException {
    write("one/pom.xml", "<project><artifactId>own</artifactId></project>");
    write(
        "in/two/pom.xml",
        "<project><parent><artifactId>parent</artifactId></parent><artifactId>own</artifactId>"
            + "</project>");
    assertThat(MavenModule.all(root)).extracting(MavenModule::artifactId).containsOnly("own");
  }

  @Test
  void aTableCannotPointDownward() {
    assertThatThrownBy(() -> new Dependencies().module("above", "below").module("below"))
        .hasMessage("above uses a module that is not above it");
  }

  private void write(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private void compile(String source, Path classes) throws IOException {
    Files.createDirectories(classes);
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-d",
                classes.toString(),
                "--source-path",
                root.resolve("one/src/main/java").toString(),
                root.resolve(source).toString());
    assertThat(status).isZero();
  }
}

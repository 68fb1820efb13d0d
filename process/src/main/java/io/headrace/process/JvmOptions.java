package io.headrace.process;

import java.util.Set;
import java.util.regex.Pattern;

/** Checks options of JVMs before there is one, which would refuse them, or do something else. */
final class JvmOptions {
  /** The next argument is their value, unless they have it behind a {@code =}. */
  private static final Set<String> WITH_VALUE =
      Set.of(
          "--add-exports",
          "--add-modules",
          "--add-opens",
          "--add-reads",
          "--enable-native-access",
          "--limit-modules",
          "--patch-module",
          "--upgrade-module-path");

  /** Values may have blanks: those of properties, and paths, which are behind colons also. */
  private static final Pattern IS_ONE =
      Pattern.compile("\\S*|(\\S*=|-(?!XX:)\\S*:).*", Pattern.DOTALL);

  private JvmOptions() {}

  /**
   * Checks the arguments of one call.
   *
   * @throws IllegalArgumentException if one cannot be meant; the message says why
   */
  static void check(String... arguments) {
    boolean isValue = false;
    for (String argument : arguments) {
      if (!isValue) {
        checkOption(argument);
      }
      isValue = !isValue && WITH_VALUE.contains(argument);
    }
    if (isValue) {
      throw refused(arguments[arguments.length - 1], "its value has to follow");
    }
  }

  private static void checkOption(String option) {
    int end = option.indexOf('=');
    switch (end < 0 ? option : option.substring(0, end)) {
      case "-cp", "-classpath", "--class-path" -> throw refused(option, "set classPath instead");
      case "-p", "--module-path" -> throw refused(option, "set modulePath instead");
      case "-jar", "-m", "--module", "--source", "-d", "--describe-module" ->
          throw refused(option, "what the process runs is its handler");
      case "-version",
          "--version",
          "-fullversion",
          "--full-version",
          "-?",
          "-h",
          "-help",
          "--help",
          "-X",
          "--help-extra",
          "--list-modules",
          "--validate-modules",
          "--dry-run" ->
          throw refused(option, "the process would end at once");
      default -> {
        if (option.startsWith("@")) {
          throw refused(option, "give the options that are in the file");
        } else if (!option.startsWith("-")) {
          throw refused(option, "an option begins with -");
        } else if (!IS_ONE.matcher(option).matches()) {
          throw refused(option, "give each option as an argument of its own, without blanks");
        }
      }
    }
  }

  private static IllegalArgumentException refused(String option, String because) {
    return new IllegalArgumentException("jvmOptions has \"" + option + "\": " + because);
  }
}

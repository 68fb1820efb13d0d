package io.headrace.server;

import java.io.PrintWriter;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line {@code headrace}. Other modules give it their subcommands.
 *
 * <p>Exit codes: 0 when all went well, 1 when a command failed, 2 when the command line is wrong.
 * What a command throws is one line on standard error; its stack trace shows with {@code --debug}.
 */
@Command(
    name = "headrace",
    description = "Batches, queues and pipelines between many callers and a scarce worker.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    versionProvider = Headrace.Version.class,
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "'headrace COMMAND --help' tells the options of a command.",
      "Exit codes: 0 done, 1 failed, 2 wrong command line."
    })
public final class Headrace implements Runnable {
  private static final int WRONG_USE = 2;
  private static final int FAILED = 1;

  @Spec @Nullable CommandSpec spec;

  @CommandLine.Option(
      names = "--debug",
      description = "Show the stack trace of an error.",
      scope = CommandLine.ScopeType.INHERIT)
  boolean debug;

  private Headrace() {}

  /**
   * Runs a command line and blocks until its command is done.
   *
   * @param args the arguments of the command line
   * @param commands the subcommands: objects of classes that carry {@link Command} and implement
   *     {@link Runnable} or {@link java.util.concurrent.Callable}
   * @return the exit code
   */
  public static int run(String[] args, Object... commands) {
    return commandLine(commands).execute(args);
  }

  static CommandLine commandLine(Object... commands) {
    Headrace headrace = new Headrace();
    CommandLine line = new CommandLine(headrace);
    for (Object command : commands) {
      line.addSubcommand(command);
    }
    line.setParameterExceptionHandler((e, args) -> wrongUse(e));
    line.setExecutionExceptionHandler((e, failed, parsed) -> failed(e, failed, headrace.debug));
    return line;
  }

  @Override
  public void run() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
  }

  private static int wrongUse(ParameterException e) {
    CommandLine line = e.getCommandLine();
    PrintWriter err = line.getErr();
    Set<String> commands = line.getSubcommands().keySet();
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.isUnknownOption()
        && !commands.isEmpty()) {
      String name = unmatched.getUnmatched().getFirst();
      err.println("headrace: there is no command '" + name + "', only " + commands);
    } else {
      err.println("headrace: " + e.getMessage());
    }
    err.println("'" + line.getCommandSpec().qualifiedName() + " --help' tells more.");
    err.flush();
    return WRONG_USE;
  }

  private static int failed(Exception e, CommandLine line, boolean debug) {
    PrintWriter err = line.getErr();
    String message = e.getMessage();
    err.println("headrace: " + (message == null ? e.getClass().getSimpleName() : message));
    if (debug) {
      e.printStackTrace(err);
    }
    err.flush();
    return FAILED;
  }

  /** The version of the jar, and of the Java that runs it. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Headrace.class.getPackage().getImplementationVersion();
      return new String[] {
        "headrace " + (version == null ? "(not from a jar)" : version),
        "Java " + Runtime.version() + ", " + System.getProperty("os.name")
      };
    }
  }
}

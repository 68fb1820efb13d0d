package io.headrace.examples.digits;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sends the rows of a file to a running service, and prints how many it recognised and what it took
 * the others for. Needs the JDK alone: {@code java DigitsEvaluation.java URL ROWS.csv}.
 */
final class DigitsEvaluation {
  private static final int AT_ONCE = 16;
  private static final int CLASSES = 10;
  private static final Pattern ANSWER = Pattern.compile("\"digit\"\\s*:\\s*([0-9])");

  private DigitsEvaluation() {}

  /**
   * Evaluates.
   *
   * @param args the URL to post to, such as {@code http://127.0.0.1:8080/digits}, and the file
   */
  public static void main(String[] args)
      throws IOException, InterruptedException, ExecutionException {
    if (args.length != 2) {
      System.err.println("Usage: DigitsEvaluation URL ROWS.csv");
      System.exit(2);
    }
    System.out.print(report(confusion(URI.create(args[0]), DigitRows.read(Path.of(args[1])))));
  }

  /** How often each digit (first index) was taken for each (second index). */
  static int[][] confusion(URI service, DigitRows rows)
      throws InterruptedException, ExecutionException {
    int[][] confusion = new int[CLASSES][CLASSES];
    try (HttpClient client = HttpClient.newHttpClient();
        ExecutorService senders = Executors.newFixedThreadPool(AT_ONCE)) {
      List<Future<Integer>> answers = new ArrayList<>();
      for (DigitRows.Row row : rows.rows()) {
        answers.add(senders.submit(() -> ask(client, service, row)));
      }
      for (int i = 0; i < answers.size(); i++) {
        confusion[rows.rows().get(i).digit()][answers.get(i).get()]++;
      }
    }
    return confusion;
  }

  private static int ask(HttpClient client, URI service, DigitRows.Row row)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(service)
            .header("Content-Type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"pixels\": " + Arrays.toString(row.counts()) + "}"))
            .build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    Matcher answer = ANSWER.matcher(response.body());
    if (response.statusCode() != 200 || !answer.find()) {
      throw new IOException(
          "the service answered " + response.statusCode() + ": " + response.body());
    }
    return Integer.parseInt(answer.group(1));
  }

  static String report(int[][] confusion) {
    StringBuilder report = new StringBuilder("digit  rows   right    taken for others\n");
    int rows = 0;
    int right = 0;
    for (int digit = 0; digit < CLASSES; digit++) {
      int of = Arrays.stream(confusion[digit]).sum();
      rows += of;
      right += confusion[digit][digit];
      report.append(
          String.format(
              "%5d %5d %7s    %s%n",
              digit, of, percent(confusion[digit][digit], of), others(confusion[digit], digit)));
    }
    return report.append(String.format("  all %5d %7s%n", rows, percent(right, rows))).toString();
  }

  private static String percent(int part, int of) {
    return of == 0 ? "-" : String.format(Locale.ROOT, "%.1f %%", 100.0 * part / of);
  }

  private static String others(int[] taken, int digit) {
    List<String> others = new ArrayList<>();
    for (int other = 0; other < CLASSES; other++) {
      if (other != digit && taken[other] > 0) {
        others.add(other + " (" + taken[other] + ")");
      }
    }
    return String.join(", ", others);
  }
}

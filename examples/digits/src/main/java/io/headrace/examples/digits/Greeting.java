package io.headrace.examples.digits;

import java.net.URI;
import java.util.Set;

/** What the demo prints when it is up: where it is, and how to ask it without the page. */
final class Greeting {
  private static final Set<String> EVERY_ADDRESS = Set.of("0.0.0.0", "::", "0:0:0:0:0:0:0:0");

  /** A seven. */
  private static final String PIXELS =
      """
      0,0,7,16,16,16,13,0, 0,0,5,9,8,12,16,3, 0,0,0,0,0,13,10,0, 0,0,3,7,12,16,8,0, \
      0,0,9,16,16,15,8,0, 0,0,0,6,15,2,0,0, 0,0,3,15,8,0,0,0, 0,0,8,15,1,0,0,0\
      """
          .replace(" ", "");

  private Greeting() {}

  static String text(String serverUrl, String host) {
    String url = EVERY_ADDRESS.contains(host) ? local(serverUrl) : serverUrl;
    return """
    The digits demo is at %1$s/

    Draw there, or ask from a terminal:

      curl -s %1$s/sample.png | curl -s --data-binary @- %1$s/digits
      curl -s %1$s/digits -d '{"pixels":[%2$s]}'

    Ctrl-C ends it.
    """
        .formatted(url, PIXELS);
  }

  private static String local(String serverUrl) {
    return "http://127.0.0.1:" + URI.create(serverUrl).getPort();
  }
}

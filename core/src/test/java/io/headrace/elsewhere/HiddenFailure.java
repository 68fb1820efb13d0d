package io.headrace.elsewhere;

/** Makes a failure whose class the core cannot see. */
public final class HiddenFailure {
  private static final class Hidden extends RuntimeException {
    private static final long serialVersionUID = 1;

    public Hidden(String message) {
      super(message);
    }
  }

  private HiddenFailure() {}

  /** Makes one. */
  public static RuntimeException make() {
    return new Hidden("hidden");
  }
}

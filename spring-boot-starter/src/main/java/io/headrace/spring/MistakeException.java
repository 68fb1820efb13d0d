package io.headrace.spring;

/** Something that the application says of Headrace cannot work. */
final class MistakeException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  private final String remedy;

  /**
   * A mistake.
   *
   * @param place where it is: a property, or a method
   * @param what what is wrong there
   * @param remedy what to do
   */
  MistakeException(String place, String what, String remedy) {
    super(place + " " + what);
    this.remedy = remedy;
  }

  String remedy() {
    return remedy;
  }
}

package io.headrace.cassandra;

/** What a write does, and which columns that needs. */
enum Kind {
  INSERT("an insert into ", false, true),
  UPDATE("an update of ", true, true),
  DELETE("a delete from ", true, false);

  /** How a sentence about it begins; the name of the table follows. */
  final String sentence;

  final boolean hasKey;
  final boolean sets;

  Kind(String sentence, boolean hasKey, boolean sets) {
    this.sentence = sentence;
    this.hasKey = hasKey;
    this.sets = sets;
  }
}

package io.headrace.jdbc;

/** What is done to rows, and which columns that needs. */
enum Write {
  INSERT(false, true),
  UPSERT(true, true),
  UPDATE(true, true),
  DELETE(true, false);

  final boolean hasKey;
  final boolean sets;

  Write(boolean hasKey, boolean sets) {
    this.hasKey = hasKey;
    this.sets = sets;
  }
}

package io.headrace.examples.digits;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;

/** The chunks of a PNG, to be changed by tests. */
final class PngFile {
  @SuppressWarnings("ArrayRecordComponent") // chunks are not compared
  record Chunk(String type, byte[] content) {}

  private final List<Chunk> chunks = new ArrayList<>();

  static PngFile of(byte[] file) {
    PngFile png = new PngFile();
    ByteBuffer buffer = ByteBuffer.wrap(file).position(8);
    while (buffer.hasRemaining()) {
      byte[] content = new byte[buffer.getInt()];
      byte[] type = new byte[4];
      buffer.get(type).get(content).getInt();
      png.chunks.add(new Chunk(new String(type, StandardCharsets.US_ASCII), content));
    }
    return png;
  }

  PngFile insert(int index, String type, byte[] content) {
    chunks.add(Math.min(index, chunks.size() - 1), new Chunk(type, content));
    return this;
  }

  PngFile replace(String type, byte[] content) {
    chunks.replaceAll(chunk -> chunk.type.equals(type) ? new Chunk(type, content) : chunk);
    return this;
  }

  PngFile remove(String type) {
    chunks.removeIf(chunk -> chunk.type.equals(type));
    return this;
  }

  byte[] content(String type) {
    return chunks.stream()
        .filter(chunk -> chunk.type.equals(type))
        .findFirst()
        .orElseThrow()
        .content
        .clone();
  }

  /** Image data chunks of at most this length, an empty one among them. */
  PngFile splitData(int length) {
    byte[] data = content("IDAT");
    int index = chunks.size() - 2;
    chunks.remove(index);
    chunks.add(index++, new Chunk("IDAT", new byte[0]));
    for (int from = 0; from < data.length; from += length) {
      byte[] part = Arrays.copyOfRange(data, from, Math.min(data.length, from + length));
      chunks.add(index++, new Chunk("IDAT", part));
    }
    return this;
  }

  byte[] bytes() {
    var bytes = new ByteArrayOutputStream();
    try (var output = new DataOutputStream(bytes)) {
      output.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
      for (Chunk chunk : chunks) {
        byte[] type = chunk.type.getBytes(StandardCharsets.US_ASCII);
        CRC32 sum = new CRC32();
        sum.update(type);
        sum.update(chunk.content);
        output.writeInt(chunk.content.length);
        output.write(type);
        output.write(chunk.content);
        output.writeInt((int) sum.getValue());
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }
}

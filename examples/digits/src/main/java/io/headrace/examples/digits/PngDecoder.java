package io.headrace.examples.digits;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decodes PNG to grey levels, all colour types, depths and interlacing (W3C Portable Network
 * Graphics, third edition). Of an animation it takes the default image.
 *
 * <p>Rows are inflated one at a time and go straight into the plane, so a large image takes no more
 * memory than a row and the plane. The size is checked before anything is inflated.
 */
final class PngDecoder {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

  /** Length, type and checksum. */
  private static final int CHUNK_OVERHEAD = 12;

  /** Of each of the seven passes of an interlaced image: first x, first y, step of x, step of y. */
  private static final int[][] INTERLACED_PASSES = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };

  private static final int[][] ONE_PASS = {{0, 0, 1, 1}};

  private final byte[] file;
  private final PngHeader header;
  private byte[] palette = {};
  private byte[] transparency = {};
  private int dataChunk = -1;

  PngDecoder(byte[] file) {
    this.file = file;
    header = readChunks();
  }

  static boolean isPng(byte[] file) {
    return file.length >= SIGNATURE.length
        && Arrays.equals(file, 0, SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length);
  }

  GrayPlane decode(int background) {
    GrayPlane plane = new GrayPlane(header.width(), header.height());
    PngPixels pixels = new PngPixels(header, palette, transparency, background);
    Inflater inflater = new Inflater();
    try {
      Source source = new Source(inflater);
      for (int[] pass : header.interlaced() ? INTERLACED_PASSES : ONE_PASS) {
        decodePass(source, plane, pixels, pass);
      }
    } catch (DataFormatException e) {
      throw new BadImageException("The image data of the PNG is damaged.", e);
    } finally {
      inflater.end();
    }
    return plane.finish();
  }

  private void decodePass(Source source, GrayPlane plane, PngPixels pixels, int[] pass)
      throws DataFormatException {
    int columns = Math.ceilDiv(header.width() - pass[0], pass[2]);
    if (columns <= 0) {
      return;
    }
    int rowLength = 1 + Math.ceilDiv(columns * header.bitsPerPixel(), 8);
    byte[] row = new byte[rowLength];
    byte[] previous = new byte[rowLength];
    byte[] gray = new byte[columns];
    for (int y = pass[1]; y < header.height(); y += pass[3]) {
      source.read(row);
      PngFilter.undo(row, previous, header.filterDistance());
      if (y == pass[1] || !samePixels(row, previous)) {
        pixels.toGray(row, gray);
      }
      plane.addRow(y, pass[0], pass[2], gray, columns);
      byte[] swap = previous;
      previous = row;
      row = swap;
    }
  }

  /** Rows of paper are alike, and comparing them is cheaper than converting them. */
  private static boolean samePixels(byte[] row, byte[] previous) {
    return Arrays.equals(row, 1, row.length, previous, 1, previous.length);
  }

  /** Checks all chunks and notes those that are needed. */
  private PngHeader readChunks() {
    PngHeader found = null;
    int chunk = SIGNATURE.length;
    while (true) {
      int length = checkedLength(chunk);
      String type = new String(file, chunk + 4, 4, StandardCharsets.ISO_8859_1);
      if (found == null) {
        if (!type.equals("IHDR") || length != 13) {
          throw new BadImageException("The PNG is damaged: it does not start with its header.");
        }
        checkSum(chunk, length);
        found = PngHeader.read(file, chunk + 8);
      }
      switch (type) {
        case "IEND" -> {
          if (dataChunk < 0) {
            throw new BadImageException("The PNG has no image data.");
          }
          return found;
        }
        case "IDAT" -> {
          checkSum(chunk, length);
          dataChunk = dataChunk < 0 ? chunk : dataChunk;
        }
        case "PLTE" -> palette = content(chunk, length);
        case "tRNS" -> transparency = content(chunk, length);
        default -> {
          // The rest says nothing about the pixels.
        }
      }
      chunk += CHUNK_OVERHEAD + length;
    }
  }

  private byte[] content(int chunk, int length) {
    checkSum(chunk, length);
    return Arrays.copyOfRange(file, chunk + 8, chunk + 8 + length);
  }

  private int checkedLength(int chunk) {
    long room = (long) file.length - chunk - CHUNK_OVERHEAD;
    int length = room < 0 ? 0 : PngHeader.fourBytes(file, chunk);
    if (room < 0 || length < 0 || length > room) {
      throw new BadImageException("The PNG is cut off after %d bytes.".formatted(file.length));
    }
    return length;
  }

  private void checkSum(int chunk, int length) {
    CRC32 sum = new CRC32();
    sum.update(file, chunk + 4, length + 4);
    if ((int) sum.getValue() != PngHeader.fourBytes(file, chunk + 8 + length)) {
      throw new BadImageException(
          "The PNG is damaged: the checksum of the chunk at byte %d is wrong.".formatted(chunk));
    }
  }

  /** The inflated content of the image data chunks, which follow one another. */
  private final class Source {
    private final Inflater inflater;
    private int next = dataChunk;

    Source(Inflater inflater) {
      this.inflater = inflater;
    }

    void read(byte[] row) throws DataFormatException {
      int filled = 0;
      while (filled < row.length) {
        int count = inflater.inflate(row, filled, row.length - filled);
        filled += count;
        if (count == 0) {
          feed();
        }
      }
    }

    private void feed() {
      if (inflater.finished() || inflater.needsDictionary() || !isData(next)) {
        throw new BadImageException("The image data of the PNG ends before its last row.");
      }
      int length = PngHeader.fourBytes(file, next);
      inflater.setInput(file, next + 8, length);
      next += CHUNK_OVERHEAD + length;
    }

    private boolean isData(int chunk) {
      return chunk + CHUNK_OVERHEAD <= file.length
          && file[chunk + 4] == 'I'
          && file[chunk + 5] == 'D'
          && file[chunk + 6] == 'A'
          && file[chunk + 7] == 'T';
    }
  }
}

package io.headrace.process;

import io.headrace.shm.Mechanism;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a worker process is told when it starts, through its standard input.
 *
 * @param name what the worker is called
 * @param processors the numbers of the processors to run on; none for all
 * @param mechanism how memory is shared
 * @param entrance the path of the pipe or the socket at which its parent waits for it
 * @param channel the path of the channel
 * @param places how many places the channel has
 * @param results the memory of which the worker hands out the blocks
 * @param largeBytes how much memory there is at most for results that need one of their own
 * @param types the classes that are registered
 * @param logLevels the levels of loggers, by their names
 * @param factory the serialised factory of the handler
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Orders(
    String name,
    List<Integer> processors,
    Mechanism mechanism,
    String entrance,
    String channel,
    int places,
    Mapped results,
    long largeBytes,
    List<String> types,
    Map<String, Integer> logLevels,
    byte[] factory) {
  /** A memory by its number. */
  record Mapped(int number, long sizeBytes, String path) {}

  void write(DataOutputStream out) throws IOException {
    out.writeUTF(name);
    out.writeInt(processors.size());
    for (int processor : processors) {
      out.writeInt(processor);
    }
    out.writeUTF(mechanism.name());
    out.writeUTF(entrance);
    out.writeUTF(channel);
    out.writeInt(places);
    out.writeInt(results.number);
    out.writeLong(results.sizeBytes);
    out.writeUTF(results.path);
    out.writeLong(largeBytes);
    out.writeInt(types.size());
    for (String type : types) {
      out.writeUTF(type);
    }
    out.writeInt(logLevels.size());
    for (Map.Entry<String, Integer> logLevel : logLevels.entrySet()) {
      out.writeUTF(logLevel.getKey());
      out.writeInt(logLevel.getValue());
    }
    out.writeInt(factory.length);
    out.write(factory);
    out.flush();
  }

  static Orders read(DataInputStream in) throws IOException {
    String name = in.readUTF();
    List<Integer> processors = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      processors.add(in.readInt());
    }
    Mechanism mechanism = Mechanism.valueOf(in.readUTF());
    String entrance = in.readUTF();
    String channel = in.readUTF();
    int places = in.readInt();
    Mapped results = new Mapped(in.readInt(), in.readLong(), in.readUTF());
    long largeBytes = in.readLong();
    List<String> types = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      types.add(in.readUTF());
    }
    Map<String, Integer> logLevels = new LinkedHashMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      logLevels.put(in.readUTF(), in.readInt());
    }
    byte[] factory = in.readNBytes(in.readInt());
    return new Orders(
        name,
        processors,
        mechanism,
        entrance,
        channel,
        places,
        results,
        largeBytes,
        types,
        logLevels,
        factory);
  }
}

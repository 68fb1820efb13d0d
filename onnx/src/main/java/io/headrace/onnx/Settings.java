package io.headrace.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.ExecutionMode;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a handler was built with.
 *
 * @param name what messages call the model
 * @param file the model, or null if there are bytes
 * @param bytes the model, or null if there is a file
 * @param outputs the names of the outputs to compute, none for all
 * @param batched whether its first dimension is the batch; null if its shapes are to say so
 */
record Settings(
    String name,
    @Nullable Path file,
    @Nullable Bytes bytes,
    int intraOpThreads,
    int interOpThreads,
    boolean spinning,
    GraphOptimization optimization,
    Map<ExecutionProvider, Map<String, String>> providers,
    Map<String, String> sessionConfig,
    List<String> outputs,
    @Nullable Boolean batched,
    boolean isolateFailures,
    List<Integer> warmUp) {

  /** A model in memory. */
  static final class Bytes {
    final byte[] array;

    Bytes(byte[] array) {
      this.array = array;
    }
  }

  /** Loads the model. */
  OrtSession open(OrtEnvironment environment) {
    try (SessionOptions options = new SessionOptions()) {
      options.setIntraOpNumThreads(intraOpThreads);
      options.setInterOpNumThreads(interOpThreads);
      options.setExecutionMode(
          interOpThreads > 1 ? ExecutionMode.PARALLEL : ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(optimization.level);
      // Errors are thrown; printed as well, a client that sends bad items would flood the output.
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      options.addConfigEntry("session.intra_op.allow_spinning", spinning ? "1" : "0");
      options.addConfigEntry("session.inter_op.allow_spinning", spinning ? "1" : "0");
      for (var entry : sessionConfig.entrySet()) {
        options.addConfigEntry(entry.getKey(), entry.getValue());
      }
      addProviders(options);
      return open(environment, options);
    } catch (OrtException e) {
      throw new OnnxException(name + " cannot be loaded: " + e.getMessage(), e);
    }
  }

  private OrtSession open(OrtEnvironment environment, SessionOptions options) throws OrtException {
    if (bytes != null) {
      return environment.createSession(bytes.array, options);
    } else if (file != null && Files.isDirectory(file)) {
      throw new OnnxException(name + " cannot be loaded: it is a folder, a model is one file");
    } else if (file == null || !Files.isRegularFile(file)) {
      throw new OnnxException(name + " cannot be loaded: there is no such file");
    } else if (!canBeNamed(file)) {
      return environment.createSession(read(file), options);
    }
    return environment.createSession(file.toString(), options);
  }

  /**
   * Whether ONNX Runtime can open a file by its name: it knows the default file system only, and
   * its Java part spells characters of two {@code char}s in a way that no file system does.
   */
  private static boolean canBeNamed(Path file) {
    return file.getFileSystem().equals(FileSystems.getDefault())
        && file.toString().codePoints().noneMatch(Character::isSupplementaryCodePoint);
  }

  private byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new OnnxException(name + " cannot be loaded: it cannot be read: " + e, e);
    }
  }

  private void addProviders(SessionOptions options) {
    EnumSet<OrtProvider> available = OrtEnvironment.getAvailableProviders();
    providers.forEach(
        (provider, providerOptions) -> {
          if (!available.contains(provider.ort)) {
            throw new OnnxException(
                "execution provider %s, asked for by %s, is not in this build of ONNX Runtime, which has %s"
                    .formatted(provider, name, available));
          }
          try {
            provider.addTo(options, providerOptions);
          } catch (OrtException e) {
            throw new OnnxException(
                "execution provider %s, asked for by %s, cannot be set up with the options %s: %s"
                    .formatted(provider, name, providerOptions, e.getMessage()),
                e);
          }
        });
  }
}

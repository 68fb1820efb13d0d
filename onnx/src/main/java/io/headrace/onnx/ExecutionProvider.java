package io.headrace.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import ai.onnxruntime.providers.OrtTensorRTProviderOptions;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The hardware or library that ONNX Runtime executes a model on. All but {@link #CPU} need a build
 * of ONNX Runtime that has them: {@code onnxruntime_gpu} instead of {@code onnxruntime} for {@link
 * #CUDA} and {@link #TENSOR_RT}. Which options exist is described in the documentation of ONNX
 * Runtime.
 */
public enum ExecutionProvider {
  /** The processor; always there. It has no options. */
  CPU(OrtProvider.CPU) {
    @Override
    void addTo(SessionOptions session, Map<String, String> options) {
      // The fallback of every session; there is nothing to add.
    }
  },
  /** NVIDIA GPUs. The option {@code device_id} chooses one, 0 by default. */
  CUDA(OrtProvider.CUDA) {
    @Override
    void addTo(SessionOptions session, Map<String, String> options) throws OrtException {
      var others = new TreeMap<>(options);
      try (var cuda = new OrtCUDAProviderOptions(removeDeviceId(others))) {
        for (var option : others.entrySet()) {
          cuda.add(option.getKey(), option.getValue());
        }
        session.addCUDA(cuda);
      }
    }
  },
  /** NVIDIA GPUs through TensorRT. The option {@code device_id} chooses one, 0 by default. */
  TENSOR_RT(OrtProvider.TENSOR_RT) {
    @Override
    void addTo(SessionOptions session, Map<String, String> options) throws OrtException {
      var others = new TreeMap<>(options);
      try (var tensorRt = new OrtTensorRTProviderOptions(removeDeviceId(others))) {
        for (var option : others.entrySet()) {
          tensorRt.add(option.getKey(), option.getValue());
        }
        session.addTensorrt(tensorRt);
      }
    }
  },
  /** GPUs of any vendor on Windows. Its only option is {@code device_id}, 0 by default. */
  DIRECT_ML(OrtProvider.DIRECT_ML) {
    @Override
    void addTo(SessionOptions session, Map<String, String> options) throws OrtException {
      session.addDirectML(removeDeviceId(new TreeMap<>(options)));
    }

    @Override
    void check(Map<String, String> options) {
      super.check(options);
      if (!DEVICE_ID_ONLY.containsAll(options.keySet())) {
        throw new IllegalArgumentException(
            "options of DIRECT_ML are " + options + ", it only knows " + DEVICE_ID);
      }
    }
  },
  /** The accelerators of Apple. */
  CORE_ML(OrtProvider.CORE_ML) {
    @Override
    void addTo(SessionOptions session, Map<String, String> options) throws OrtException {
      session.addCoreML(options);
    }
  },
  /** The processor through XNNPACK. */
  XNNPACK(OrtProvider.XNNPACK) {
    @Override
    void addTo(SessionOptions session, Map<String, String> options) throws OrtException {
      session.addXnnpack(options);
    }
  };

  private static final String DEVICE_ID = "device_id";
  private static final Set<String> DEVICE_ID_ONLY = Set.of(DEVICE_ID);

  final OrtProvider ort;

  ExecutionProvider(OrtProvider ort) {
    this.ort = ort;
  }

  abstract void addTo(SessionOptions session, Map<String, String> options) throws OrtException;

  /** Refuses options that can be seen to be wrong without ONNX Runtime. */
  void check(Map<String, String> options) {
    if (this == CPU && !options.isEmpty()) {
      throw new IllegalArgumentException("options of CPU are " + options + ", it has none");
    }
    if (options.containsKey(DEVICE_ID)) {
      removeDeviceId(new TreeMap<>(options));
    }
  }

  private static int removeDeviceId(Map<String, String> options) {
    String value = options.remove(DEVICE_ID);
    if (value == null) {
      return 0;
    }
    try {
      int id = Integer.parseInt(value);
      if (id >= 0) {
        return id;
      }
    } catch (NumberFormatException e) {
      // Refused below.
    }
    throw new IllegalArgumentException(
        DEVICE_ID + " is '" + value + "', it has to be a number from 0 to " + Integer.MAX_VALUE);
  }
}

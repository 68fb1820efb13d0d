/**
 * Runs ONNX models, a batch at a time: {@link io.headrace.onnx.OnnxHandler}.
 *
 * <p>ONNX Runtime calls native code. Without {@code
 * --enable-native-access=com.microsoft.onnxruntime} ({@code ALL-UNNAMED} on the class path) the JVM
 * prints a warning.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.onnx;

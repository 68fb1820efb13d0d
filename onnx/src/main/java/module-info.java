/** Runs ONNX models as handlers of Headrace. */
@org.jspecify.annotations.NullMarked
module io.headrace.onnx {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires com.microsoft.onnxruntime;

  exports io.headrace.onnx;
}

package io.headrace.examples.digits;

import io.headrace.CallOptions;
import io.headrace.DeadlineExceededException;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.Service;
import io.headrace.StoppedException;
import io.headrace.server.RequestException;
import io.headrace.server.Response;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/**
 * Several images in one request, each a call of its own: <code>["base64 of an image", ...]</code>
 * is answered with a list of as many answers or errors. A browser opens six connections at most, so
 * this is how one page brings enough together for batches.
 */
final class ManyImages {
  static final int MAX_IMAGES = 64;

  private static final System.Logger LOGGER = System.getLogger(ManyImages.class.getName());

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxNestingDepth(2).maxNumberLength(64).build())
          .build();

  private ManyImages() {}

  /**
   * Reads the images of a document.
   *
   * @throws RequestException if the document is not of the right form
   */
  static List<byte[]> read(byte[] document) {
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), document)) {
      List<byte[]> images = new ArrayList<>();
      if (in.nextToken() != JsonToken.START_ARRAY) {
        throw wrongForm();
      }
      while (in.nextToken() == JsonToken.VALUE_STRING && images.size() < MAX_IMAGES) {
        images.add(in.getBinaryValue());
      }
      if (in.currentToken() != JsonToken.END_ARRAY || in.nextToken() != null || images.isEmpty()) {
        throw wrongForm();
      }
      return images;
    } catch (JacksonException e) {
      throw wrongForm();
    }
  }

  private static RequestException wrongForm() {
    return new RequestException(
        400, "the body must be a JSON list of 1 to " + MAX_IMAGES + " images in base64");
  }

  /** Every image goes through the flow alone; the response is there when the last one is. */
  static CompletableFuture<Response> recognise(
      List<byte[]> images, Service<DigitInput, Digit> service, CallOptions options) {
    List<Call> calls = new ArrayList<>(images.size());
    for (byte[] image : images) {
      DigitAnswer answer = new DigitAnswer();
      calls.add(
          new Call(
              service.submit(new DigitInput.Image(image), options.withListener(answer)), answer));
    }
    return Response.when(
        allOf(calls),
        done ->
            Response.json(
                out -> {
                  out.writeStartArray();
                  calls.forEach(call -> call.write(out));
                  out.writeEndArray();
                }));
  }

  /** Completes when every call has ended, well or not; cancelling it cancels them all. */
  // The futures that come back would only repeat the outcomes that are used here.
  @SuppressWarnings("FutureReturnValueIgnored")
  private static CompletableFuture<Boolean> allOf(List<Call> calls) {
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    CompletableFuture.allOf(calls.stream().map(Call::digit).toArray(CompletableFuture<?>[]::new))
        .whenComplete((nothing, failure) -> ended.complete(true));
    ended.whenComplete(
        (yes, failure) -> {
          if (failure != null) {
            calls.forEach(call -> call.digit().cancel(true));
          }
        });
    return ended;
  }

  /** One image on its way, and who follows it. */
  private record Call(CompletableFuture<Digit> digit, DigitAnswer answer) {
    void write(JsonGenerator out) {
      Digit recognised;
      try {
        recognised = digit.join();
      } catch (RuntimeException e) {
        writeError(out, e);
        return;
      }
      answer.write(out, recognised);
    }

    private static void writeError(JsonGenerator out, RuntimeException e) {
      Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
      out.writeStartObject();
      out.writeStringProperty("error", sentence(cause));
      out.writeEndObject();
    }

    /** What the server would say of one image alone: nothing of what happens inside. */
    private static String sentence(Throwable failure) {
      return switch (failure) {
        case BadImageException _,
            QueueFullException _,
            RejectedException _,
            StoppedException _,
            DeadlineExceededException _ ->
            String.valueOf(failure.getMessage());
        case CancellationException _ -> "the image was withdrawn";
        default -> {
          LOGGER.log(Level.WARNING, "one of several images failed", failure);
          yield "the server failed to recognise this image; its log says why";
        }
      };
    }
  }
}

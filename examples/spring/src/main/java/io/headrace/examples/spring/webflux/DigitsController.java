package io.headrace.examples.spring.webflux;

import io.headrace.CallOptions;
import io.headrace.Service;
import io.headrace.examples.digits.Digit;
import io.headrace.examples.digits.DigitInput;
import java.time.Duration;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Recognises the digit of an image; a caller that goes away withdraws its image. */
@RestController
class DigitsController {
  private static final CallOptions OPTIONS = CallOptions.timeout(Duration.ofSeconds(5));

  private final Service<DigitInput, Digit> digits;

  DigitsController(Service<DigitInput, Digit> digits) {
    this.digits = digits;
  }

  @PostMapping("/digits")
  Mono<Digit> recognise(@RequestBody byte[] image) {
    return Mono.fromFuture(() -> digits.submit(new DigitInput.Image(image), OPTIONS));
  }
}

package io.headrace.examples.spring.mvc;

import io.headrace.CallOptions;
import io.headrace.Service;
import io.headrace.examples.digits.Digit;
import io.headrace.examples.digits.DigitInput;
import java.time.Duration;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Recognises the digit of an image; blocks, on a virtual thread. */
@RestController
class DigitsController {
  private static final CallOptions OPTIONS = CallOptions.timeout(Duration.ofSeconds(5));

  private final Service<DigitInput, Digit> digits;

  DigitsController(Service<DigitInput, Digit> digits) {
    this.digits = digits;
  }

  @PostMapping("/digits")
  Digit recognise(@RequestBody byte[] image) throws InterruptedException {
    return digits.call(new DigitInput.Image(image), OPTIONS);
  }
}

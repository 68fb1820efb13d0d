package io.headrace.examples.spring;

import io.headrace.DeadlineExceededException;
import io.headrace.HeadraceException;
import io.headrace.examples.digits.BadImageException;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/** What callers are told when there is no answer, the same for both applications. */
@RestControllerAdvice
public class Problems {
  @ExceptionHandler
  ProblemDetail badImage(BadImageException e) {
    return ProblemDetail.forStatusAndDetail(HttpStatus.BAD_REQUEST, e.getMessage());
  }

  @ExceptionHandler
  ProblemDetail tooLate(DeadlineExceededException e) {
    return ProblemDetail.forStatusAndDetail(HttpStatus.GATEWAY_TIMEOUT, e.getMessage());
  }

  /** The queue is full, it would take too long, or the application is stopping: try elsewhere. */
  @ExceptionHandler
  ProblemDetail refused(HeadraceException e) {
    return ProblemDetail.forStatusAndDetail(HttpStatus.SERVICE_UNAVAILABLE, e.getMessage());
  }
}

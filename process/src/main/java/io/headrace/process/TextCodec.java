package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.UUID;

/** How values of some classes of the JDK travel: as texts, of which equal ones are made. */
final class TextCodec implements Codec<Object> {
  static final List<Class<?>> TYPES =
      List.of(
          BigDecimal.class,
          BigInteger.class,
          Duration.class,
          Instant.class,
          LocalDate.class,
          LocalDateTime.class,
          LocalTime.class,
          OffsetDateTime.class,
          Period.class,
          URI.class,
          UUID.class,
          ZoneOffset.class,
          ZonedDateTime.class);

  private final Class<?> type;

  TextCodec(Class<?> type) {
    this.type = type;
  }

  @Override
  @SuppressWarnings("unchecked") // it is asked for values of this class only
  public Class<Object> type() {
    return (Class<Object>) type;
  }

  @Override
  public void write(Object value, ValueWriter out) {
    out.writeString(value.toString());
  }

  @Override
  public Object read(ValueReader in) {
    String text = in.readString();
    try {
      return made(text);
    } catch (RuntimeException noSuchValue) {
      throw new CorruptMemoryException("\"" + text + "\" as a " + type.getName());
    }
  }

  private Object made(String text) {
    return switch (type.getSimpleName()) {
      case "BigDecimal" -> new BigDecimal(text);
      case "BigInteger" -> new BigInteger(text);
      case "Duration" -> Duration.parse(text);
      case "Instant" -> Instant.parse(text);
      case "LocalDate" -> LocalDate.parse(text);
      case "LocalDateTime" -> LocalDateTime.parse(text);
      case "LocalTime" -> LocalTime.parse(text);
      case "OffsetDateTime" -> OffsetDateTime.parse(text);
      case "Period" -> Period.parse(text);
      case "URI" -> URI.create(text);
      case "UUID" -> UUID.fromString(text);
      case "ZoneOffset" -> ZoneOffset.of(text);
      case "ZonedDateTime" -> ZonedDateTime.parse(text);
      default -> throw new IllegalStateException("no text is read as " + type);
    };
  }
}

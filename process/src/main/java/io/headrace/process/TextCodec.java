package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.MonthDay;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.UUID;

/** How values of some classes of the JDK travel: as texts, of which equal ones are made. */
final class TextCodec implements OwnCodec<Object> {
  static final List<Class<?>> TYPES =
      List.of(
          Duration.class,
          Instant.class,
          LocalDate.class,
          LocalDateTime.class,
          LocalTime.class,
          MonthDay.class,
          OffsetDateTime.class,
          OffsetTime.class,
          Period.class,
          URI.class,
          UUID.class,
          Year.class,
          YearMonth.class,
          ZoneId.class, // and so those of its classes, which are not public
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
    if (value instanceof URI uri && !isReadAsItself(uri)) {
      throw new IllegalArgumentException(
          "the URI "
              + uri
              + " cannot travel, for its text is read as another one or as none: if it is relative,"
              + " and what is before the first / has a colon, let it begin with ./");
    }
    out.writeString(value.toString());
  }

  /** One that was relativized or resolved may have the text of another one, or of none. */
  private static boolean isReadAsItself(URI uri) {
    try {
      return new URI(uri.toString()).equals(uri);
    } catch (URISyntaxException none) {
      return false;
    }
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
      case "Duration" -> Duration.parse(text);
      case "Instant" -> Instant.parse(text);
      case "LocalDate" -> LocalDate.parse(text);
      case "LocalDateTime" -> LocalDateTime.parse(text);
      case "LocalTime" -> LocalTime.parse(text);
      case "MonthDay" -> MonthDay.parse(text);
      case "OffsetDateTime" -> OffsetDateTime.parse(text);
      case "OffsetTime" -> OffsetTime.parse(text);
      case "Period" -> Period.parse(text);
      case "URI" -> URI.create(text);
      case "UUID" -> UUID.fromString(text);
      case "Year" -> Year.of(Integer.parseInt(text)); // parse wants a sign for those above 9999
      case "YearMonth" -> yearMonth(text);
      case "ZoneId" -> ZoneId.of(text);
      case "ZoneOffset" -> ZoneOffset.of(text);
      case "ZonedDateTime" -> ZonedDateTime.parse(text);
      default -> throw new IllegalStateException("no text is read as " + type);
    };
  }

  private static YearMonth yearMonth(String text) {
    int dash = text.lastIndexOf('-');
    return YearMonth.of(
        Integer.parseInt(text.substring(0, dash)), Integer.parseInt(text.substring(dash + 1)));
  }
}

package dev.molo.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The numbers in Java are those of the header that the C programs are built with. */
final class WireTest {
  private static final Path HEADER = Path.of("../native-shims/include/molo_wire.h");
  private static final Pattern NUMBER =
      Pattern.compile("MOLO_(\\w+) (?:= )?(MOLO_EVENT \\| )?(0x[0-9a-f]+|[0-9]+)( \\* 1024)?");

  private static Map<String, Integer> header() throws IOException {
    Map<String, Integer> numbers = new HashMap<>();
    Matcher found = NUMBER.matcher(Files.readString(HEADER));
    while (found.find()) {
      int number = Long.decode(found.group(3)).intValue();
      number *= found.group(4) == null ? 1 : 1024;
      number |= found.group(2) == null ? 0 : 0x4000;
      numbers.put(found.group(1), number);
    }
    return numbers;
  }

  @Test
  void javaSpeaksTheNumbersOfTheHeader() throws Exception {
    Map<String, Integer> header = header();
    int compared = 0;
    for (Field field : Wire.class.getDeclaredFields()) {
      if (field.getType() != int.class || field.getName().equals("HEADER_BYTES")) {
        continue;
      }
      assertThat(header).as("in the header").containsKey(field.getName());
      assertThat(field.getInt(null)).as(field.getName()).isEqualTo(header.get(field.getName()));
      compared++;
    }
    assertThat(compared).isGreaterThan(50);
  }
}

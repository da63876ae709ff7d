package dev.molo.cgroup;

import java.util.OptionalLong;

/**
 * io.stat summed over all devices: lines {@code 8:0 rbytes=1 wbytes=2 rios=…}.
 *
 * @param read bytes; absent without the file or before the first access
 * @param written bytes; likewise
 */
public record IoTotals(OptionalLong read, OptionalLong written) {
  static IoTotals of(String text) {
    return new IoTotals(sum(text, " rbytes="), sum(text, " wbytes="));
  }

  private static OptionalLong sum(String text, String key) {
    OptionalLong total = OptionalLong.empty();
    for (int at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
      OptionalLong value = Numbers.parse(text, at + key.length(), text.length());
      total = OptionalLong.of(total.orElse(0) + value.orElse(0));
    }
    return total;
  }
}

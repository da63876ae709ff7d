package dev.molo.cgroup;

import java.util.OptionalLong;

/** Numbers as the kernel prints them in cgroup files. */
final class Numbers {
  private Numbers() {}

  /** Empty for nothing, {@code max}, and what is no number; beyond 2^63-1 is 2^63-1. */
  static OptionalLong parse(String text) {
    return parse(text, 0, text.length());
  }

  static OptionalLong parse(String text, int from, int to) {
    long value = 0;
    int at = from;
    for (; at < to; at++) {
      int digit = text.charAt(at) - '0';
      if (digit < 0 || digit > 9) {
        break;
      }
      value = value > (Long.MAX_VALUE - digit) / 10 ? Long.MAX_VALUE : value * 10 + digit;
    }
    return at == from ? OptionalLong.empty() : OptionalLong.of(value);
  }
}

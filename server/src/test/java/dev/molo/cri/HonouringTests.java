package dev.molo.cri;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Which test sees from outside that a field is honoured: honoured-by.tsv. */
final class HonouringTests {
  private static final Path TOP = Path.of(System.getProperty("basedir", ".")).resolve("..");
  private static final Map<String, String> TESTS = load();

  private HonouringTests() {}

  static Set<String> fields() {
    return TESTS.keySet();
  }

  /** The test of a field, or of the nearest field above it that has one; empty without one. */
  static String of(String path) {
    for (String at = path; !at.isEmpty(); at = at.substring(0, Math.max(at.lastIndexOf('.'), 0))) {
      String test = TESTS.get(at);
      if (test != null) {
        return '`' + test + '`';
      }
    }
    return "";
  }

  /** The tests that are named, but not there. */
  static List<String> missing() throws IOException {
    List<String> sources;
    try (Stream<Path> files = Files.walk(TOP.resolve("server/src/test/java"))) {
      sources = files.map(Path::toString).filter(file -> file.endsWith(".java")).toList();
    }
    return TESTS.values().stream().distinct().filter(test -> !exists(test, sources)).toList();
  }

  private static boolean exists(String test, List<String> sources) {
    int colon = test.indexOf(": ");
    try {
      if (colon > 0) {
        String suite = test.substring(0, colon);
        String name = (suite.equals("critest") ? "[k8s.io] " : "") + test.substring(colon + 2);
        return Files.readAllLines(TOP.resolve("conformance/" + suite + "/expected.tsv")).stream()
            .anyMatch(line -> line.startsWith(name + "\tpassed") || skippedOnlyHere(line, name));
      }
      int dot = test.indexOf('.');
      for (String source : sources) {
        if (source.endsWith("/" + test.substring(0, dot) + ".java")) {
          return Files.readString(Path.of(source))
              .contains(" void " + test.substring(dot + 1) + "(");
        }
      }
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the test passes wherever the kernel has what it needs. */
  private static boolean skippedOnlyHere(String line, String name) {
    return line.startsWith(name + "\tskipped@") || line.startsWith(name + "\tfailed@");
  }

  private static Map<String, String> load() {
    Map<String, String> tests = new LinkedHashMap<>();
    try (InputStream in = HonouringTests.class.getResourceAsStream("honoured-by.tsv")) {
      for (String line : new String(in.readAllBytes(), UTF_8).split("\n")) {
        if (!line.isBlank() && !line.startsWith("#")) {
          int tab = line.indexOf('\t');
          tests.put(line.substring(0, tab), line.substring(tab + 1));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return tests;
  }
}

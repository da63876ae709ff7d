package dev.molo.image;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Program;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Programs of others that read and write images, and the test's own that look at trees. */
final class OtherTools {
  private OtherTools() {}

  /** Skips the test where one of the programs is missing. */
  static void need(String... programs) {
    for (String program : programs) {
      assumeTrue(Files.isExecutable(Path.of("/usr/bin", program)), program + " is not installed");
    }
  }

  /** Runs a Python program that lies beside this class. */
  static String python(String name, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("python3", "-B", "-c", program(name)));
    command.addAll(List.of(arguments));
    return Program.output(command.toArray(String[]::new));
  }

  /** The text of such a program. */
  static String program(String name) throws IOException {
    try (InputStream program = OtherTools.class.getResourceAsStream(name)) {
      return new String(program.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** All that can be seen of a tree, a line for each file. */
  static List<String> listing(String tree) throws IOException, InterruptedException {
    return python("list_tree.py", tree).lines().toList();
  }
}

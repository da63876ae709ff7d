package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.molo.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The distribution as somebody unpacks it: elsewhere, with nothing of Java around it. */
class DistributionIT {
  private static final Path TARGET = Path.of("target").toAbsolutePath();

  @TempDir static Path elsewhere;
  private static Path molo;

  @BeforeAll
  static void unpack() throws Exception {
    Path archive;
    try (Stream<Path> files = Files.list(TARGET)) {
      archive = files.filter(f -> f.toString().endsWith(".tar.gz")).findFirst().orElse(TARGET);
    }
    assumeThat(archive).as("the archive (left out with -Dfast)").isNotEqualTo(TARGET);
    run(Map.of(), "/bin/tar", "xzf", archive.toString(), "-C", elsewhere.toString());
    try (Stream<Path> folders = Files.list(elsewhere)) {
      molo = folders.findFirst().orElseThrow().resolve("bin/molo");
    }
  }

  /** With AOTMode=on a JVM whose flags, jars or runtime do not fit the cache refuses to start. */
  private static final Map<String, String> ONLY_WITH_A_CACHE =
      Map.of("MOLO_JAVA_OPTIONS", "-XX:AOTMode=on");

  @Test
  void commandsRunWithTheirCacheAndRuntime() throws Exception {
    Ran ran = run(ONLY_WITH_A_CACHE, molo.toString(), "version", "-o", "json");

    assertThat(ran.status).as(ran.said).isZero();
    assertThat(ran.said).contains("\"client\"");
  }

  @Test
  void theDaemonRunsWithItsCacheAndRuntime() throws Exception {
    Path serveCache = molo.getParent().resolveSibling("lib/serve.aot");
    assumeThat(serveCache).as("the daemon's cache (a build without root makes none)").exists();
    String config = config("http: {}\n");

    Ran ran = run(ONLY_WITH_A_CACHE, molo.toString(), "serve", "--check", "--config", config);

    assertThat(ran.status).as(ran.said).isZero();
  }

  @Test
  void isFoundThroughALink() throws Exception {
    Path link = elsewhere.resolve("link");
    Files.createSymbolicLink(link, molo);

    assertThat(run(Map.of(), link.toString(), "--help").said).contains("Usage: molo");
  }

  @Test
  void tellsUsageFromFailureByItsExitStatus() throws Exception {
    assertThat(run(Map.of(), molo.toString(), "no-such-command").status).isEqualTo(2);
    assertThat(run(Map.of(), molo.toString(), "pods", "-e", "/nowhere/molo.sock").status)
        .isEqualTo(4);
    Ran wrong = run(Map.of(), molo.toString(), "serve", "--check", "--config", config("oops: 1\n"));
    assertThat(wrong.status).isEqualTo(2);
    assertThat(wrong.said).contains("config.yaml:1: unknown key \"oops\"");
    Ran good = run(Map.of(), molo.toString(), "serve", "--check", "--config", config("http: {}\n"));
    assertThat(good.status).as(good.said).isZero();
  }

  @Test
  void printsACompletionThatBashReads() throws Exception {
    Ran script = run(Map.of(), molo.toString(), "completion");
    Path file = Files.writeString(elsewhere.resolve("completion.bash"), script.said);

    assertThat(run(Map.of(), "/bin/bash", "-n", file.toString()).status).isZero();
    assertThat(script.said).contains("pods", "logs");
  }

  private static String config(String text) throws IOException {
    Path dir = Files.createTempDirectory(elsewhere, "config");
    Files.writeString(dir.resolve("config.yaml"), text);
    return dir.toString();
  }

  private record Ran(int status, String said) {}

  private static Ran run(Map<String, String> env, String... command)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(List.of(command));
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/bin:/bin");
    builder.environment().putAll(env);
    Program.Ended ended = Program.run(builder);
    return new Ran(ended.status(), ended.output());
  }
}

package dev.molo.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigLoaderTest {
  @TempDir Path dir;

  @Test
  void withoutFilesTheDefaultsHold() {
    assertThat(load())
        .isEqualTo(
            MoloConfig.defaults(
                Instance.DEFAULT, Path.of("/var/lib/molo"), Path.of("/run/molo"), dir));
  }

  @Test
  void laterFilesWinKeyByKey() throws IOException {
    write(
        "config.yaml", "network:\n  mtu: 1400\n  masquerade: false\nexec:\n  streamLimit: 1MiB\n");
    write("config.d/10-a.yaml", "network:\n  mtu: 1300\n");
    write("config.d/20-b.yaml", "timeouts:\n  verb: 90s\n");

    MoloConfig config = load();

    assertThat(config.network().mtu()).isEqualTo(1300);
    assertThat(config.network().masquerade()).isFalse();
    assertThat(config.exec().streamLimit()).isEqualTo(1 << 20);
    assertThat(config.timeouts().verb()).isEqualTo(Duration.ofSeconds(90));
  }

  @Test
  void defaultsFollowTheInstanceOfTheFile() throws IOException {
    write("config.yaml", "instance: blue\n");

    MoloConfig config = load();

    assertThat(config.root()).isEqualTo(Path.of("/var/lib/molo-blue"));
    assertThat(config.grpc().socket()).isEqualTo(Path.of("/run/molo-blue/molo.sock"));
    assertThat(config.network().bridge()).isEqualTo("molo-blue");
    assertThat(config.http().port()).isZero();
  }

  @Test
  void flagsOutrankTheFile() throws IOException {
    write("config.yaml", "instance: blue\nroot: /srv/blue\nhttp:\n  port: 99\n");

    MoloConfig config =
        ConfigLoader.load(
            new ConfigFlags(
                Optional.of("green"),
                Optional.empty(),
                Optional.of(Path.of("/tmp/run")),
                Optional.of(dir),
                Optional.of("127.0.0.2:81")));

    assertThat(config.instance()).isEqualTo(new Instance("green"));
    assertThat(config.root()).isEqualTo(Path.of("/srv/blue"));
    assertThat(config.grpc().socket()).isEqualTo(Path.of("/tmp/run/molo.sock"));
    assertThat(config.http()).isEqualTo(new HttpConfig(true, "127.0.0.2", 81));
  }

  @Test
  void anUnknownKeyIsNamedWithFileAndLine() throws IOException {
    write("config.yaml", "network:\n  mtu: 1400\n  brige: br0\n");

    assertThatThrownBy(this::load)
        .isInstanceOf(FaultException.class)
        .hasMessageContaining(dir + "/config.yaml:3: unknown key \"network.brige\"")
        .hasMessageContaining("bridge, masquerade");
  }

  @Test
  void everyProblemIsListedAtOnce() throws IOException {
    write(
        "config.yaml",
        "network:\n  mtu: -3\n  subnets: 10.0.0.0/8\ntimeouts:\n  verb: 10\ncgroup:\n  driver: v1\n");

    assertThatThrownBy(this::load)
        .hasMessageContaining("config.yaml:2: network.mtu must be a whole number")
        .hasMessageContaining("config.yaml:3: network.subnets must be a list")
        .hasMessageContaining("config.yaml:5: timeouts.verb must be a duration")
        .hasMessageContaining("config.yaml:7: cgroup.driver must be one of cgroupfs, systemd");
  }

  @Test
  void rangesAreChecked() throws IOException {
    write(
        "config.yaml",
        "exec:\n  streamLimit: 17MiB\ntimeouts:\n  verb: 10ms\nhttp:\n  port: 65536\n");

    assertThatThrownBy(this::load)
        .hasMessageContaining("exec.streamLimit must be from 4096 to 16777216, is 17825792")
        .hasMessageContaining("timeouts.verb must be from 1s to")
        .hasMessageContaining("http.port must be from 0 to 65535, is 65536");
  }

  @Test
  void brokenFilesAreRefusedWithTheirLine() throws IOException {
    assertRefused("a: [1\n", "not YAML");
    assertRefused("mounts:\n  createMissing: true\nmounts: {}\n", "stands already at");
    assertRefused("- 1\n", "a mapping of keys");
    assertRefused("mounts: {}\n---\nmounts: {}\n", "a second document");
    assertRefused("mounts: &a {}\nexec: *a\n", "aliases");
    assertRefused("root: var\n", "config.yaml:1: root must be an absolute path");
    assertRefused("root:\n", "config.yaml:1: root must be one value");
    assertRefused("instance: Blue\n", "instance name \"Blue\"");
  }

  @Test
  void emptyFilesAndSectionsSayNothing() throws IOException {
    write("config.yaml", "# nothing\n");
    write("config.d/a.yaml", "network:\n  # mtu: 1400\n");

    assertThat(load().network().mtu()).isZero();
  }

  @Test
  void listsAndMapsAreRead() throws IOException {
    write(
        "config.yaml",
        "images:\n  certsDirs: [/a, /b]\n  pinned:\n  - docker.io/*\nrlimits:\n  nofile: 1024:2048\n");

    MoloConfig config = load();

    assertThat(config.images().certsDirs()).containsExactly(Path.of("/a"), Path.of("/b"));
    assertThat(config.images().pinned()).containsExactly("docker.io/*");
    assertThat(config.rlimits()).containsEntry("nofile", "1024:2048");
  }

  private void assertRefused(String text, String message) throws IOException {
    write("config.yaml", text);
    assertThatThrownBy(this::load).isInstanceOf(FaultException.class).hasMessageContaining(message);
  }

  private MoloConfig load() {
    return ConfigLoader.load(
        new ConfigFlags(
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.of(dir),
            Optional.empty()));
  }

  private void write(String name, String text) throws IOException {
    Path file = dir.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}

package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.Program;
import dev.molo.fault.FaultException;
import dev.molo.linux.Fd;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What hostile images put in the place of their user database. */
@ExtendWith(RealKernel.class)
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class UserDatabaseIT {
  @TempDir private Path root;
  private Path passwd;

  @BeforeEach
  void etc() throws IOException {
    passwd = Files.createDirectory(root.resolve("etc")).resolve("passwd");
  }

  @Test
  void anOrdinaryFileIsRead() throws IOException {
    Files.writeString(passwd, "web:x:5:6::/srv:/bin/sh\n");
    assertThat(read().userNamed("web")).contains(new UserDatabase.User("web", 5, 6, "/srv"));
  }

  @Test
  void anAbsentFileIsAnEmptyOne() {
    assertThat(read().userNamed("root")).isEmpty();
  }

  @Test
  void aLinkOutOfTheRootStaysInside() throws IOException {
    Files.createSymbolicLink(passwd, Path.of("/etc/passwd"));
    assertThatThrownBy(this::read)
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("a link that leads nowhere");
    Files.delete(passwd);
    Files.createSymbolicLink(passwd, Path.of("../../../../../../etc/other"));
    Files.writeString(root.resolve("etc/other"), "inside:x:1:1::/:/bin/sh\n");
    assertThat(read().userNamed("inside")).isPresent();
    assertThat(read().userNamed("root")).isEmpty();
  }

  @Test
  void aFifoIsNotWaitedFor() throws Exception {
    assertThat(Program.run("mkfifo", passwd.toString()).status()).isZero();
    assertThatThrownBy(this::read).hasMessageContaining("not a regular file");
  }

  @Test
  void aDeviceIsNotRead() throws Exception {
    assertThat(Program.run("mknod", passwd.toString(), "c", "1", "5").status()).isZero();
    assertThatThrownBy(this::read).hasMessageContaining("not a regular file");
  }

  @Test
  void aHugeFileIsRefused() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(passwd.toFile(), "rw")) {
      file.setLength(1L << 40);
    }
    assertThatThrownBy(this::read)
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("more than the 4194304 that are read");
  }

  private UserDatabase read() {
    try (Fd directory =
        RealKernel.linux()
            .files()
            .open(root.toString(), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
      return UserDatabase.read(RealKernel.linux().files(), directory);
    }
  }
}

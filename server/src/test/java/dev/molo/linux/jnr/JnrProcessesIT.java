package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.CloneFlags;
import dev.molo.linux.Errno;
import dev.molo.linux.ExitStatus;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Pipes;
import dev.molo.linux.RealKernel;
import dev.molo.linux.Signals;
import dev.molo.linux.SpawnRequest;
import dev.molo.linux.Spawned;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@Tag("guest") // on Linux 6.1 too
@ExtendWith(RealKernel.class)
@Timeout(180)
class JnrProcessesIT {

  private final Linux linux = RealKernel.linux();

  private Fd program(String path) {
    return linux.files().open(path, OpenFlags.O_PATH);
  }

  private String outputOf(String script, List<String> environment) {
    try (Fd shell = program("/bin/sh");
        Pipes.Pipe pipe = linux.pipes().pipe2(0)) {
      SpawnRequest request =
          SpawnRequest.of(shell, List.of("sh", "-c", script))
              .withEnvironment(environment)
              .withFd(pipe.writeEnd(), 1);
      try (Spawned child = linux.processes().spawn(request)) {
        pipe.writeEnd().close();
        ByteBuffer text = ByteBuffer.allocate(65536);
        while (linux.files().read(pipe.readEnd(), text) > 0) {
          assertThat(text.hasRemaining()).isTrue();
        }
        linux.processes().waitidBlocking(child.pidfd());
        return new String(text.array(), 0, text.position(), StandardCharsets.UTF_8);
      }
    }
  }

  @Test
  void exitCodeComesBack() {
    try (Fd shell = program("/bin/sh");
        Spawned child =
            linux.processes().spawn(SpawnRequest.of(shell, List.of("sh", "-c", "exit 3")))) {
      assertThat(linux.processes().waitidBlocking(child.pidfd()))
          .isEqualTo(new ExitStatus.Exited(3));
      assertThatThrownBy(() -> linux.processes().waitid(child.pidfd()))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ECHILD));
      assertThat(linux.processes().pidfdSendSignal(child.pidfd(), Signals.SIGTERM)).isFalse();
    }
  }

  @Test
  void signalsEndAndAreTold() {
    try (Fd sleep = program("/bin/sleep");
        Spawned child = linux.processes().spawn(SpawnRequest.of(sleep, List.of("sleep", "60")))) {
      assertThat(linux.processes().exited(child.pidfd())).isFalse();
      assertThat(linux.processes().waitid(child.pidfd())).isEmpty();
      assertThat(linux.processes().pidfdSendSignal(child.pidfd(), Signals.SIGTERM)).isTrue();
      ExitStatus status = linux.processes().waitidBlocking(child.pidfd());
      assertThat(status).isEqualTo(new ExitStatus.Killed(Signals.SIGTERM, false));
      assertThat(status.shellCode()).isEqualTo(143);
      assertThat(linux.processes().exited(child.pidfd())).isTrue();
    }
  }

  @Test
  void childHasTheEnvironmentAndNothingElse() {
    assertThat(
            outputOf(
                "/usr/bin/env | grep -v -e ^PWD -e ^SHLVL -e ^_ -e ^OLDPWD",
                List.of("A=1", "B=ü x")))
        .isEqualTo("A=1\nB=ü x\n");
    String fds =
        outputOf(
            "for i in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$i ] && printf $i; done", List.of());
    assertThat(fds).isEqualTo("1");
  }

  @Test
  void jvmsSignalSettingsDoNotReachTheChild() {
    assertThat(
            outputOf(
                "while read l; do case $l in SigBlk*|SigIgn*) echo $l;; esac; done < /proc/$$/status",
                List.of()))
        .isEqualTo("SigBlk: 0000000000000000\nSigIgn: 0000000000000000\n");
  }

  @Test
  void manyLargeArgumentsArrive() {
    String large = "x".repeat(50_000);
    try (Fd shell = program("/bin/sh");
        Spawned child =
            linux
                .processes()
                .spawn(
                    SpawnRequest.of(
                        shell,
                        List.of(
                            "sh",
                            "-c",
                            "[ ${#1} -eq 50000 ] && [ $# -eq 2 ]",
                            "sh",
                            large,
                            "y")))) {
      assertThat(linux.processes().waitidBlocking(child.pidfd()))
          .isEqualTo(new ExitStatus.Exited(0));
    }
  }

  @Test
  void bornIntoACgroupLeafAndNamespaces() {
    String name = "molo-it-" + ProcessHandle.current().pid();
    try (Fd root = linux.files().open(RealKernel.cgroup2().toString(), OpenFlags.O_DIRECTORY);
        Fd sleep = program("/bin/sleep")) {
      linux.files().mkdirat(root, name, 0755);
      try (Fd leaf = linux.files().open(root, name, OpenFlags.O_DIRECTORY)) {
        SpawnRequest request =
            SpawnRequest.of(sleep, List.of("sleep", "60"))
                .withCgroup(leaf)
                .withNamespaces(
                    CloneFlags.CLONE_NEWNET | CloneFlags.CLONE_NEWIPC | CloneFlags.CLONE_NEWUTS);
        try (Spawned child = linux.processes().spawn(request)) {
          assertThat(linux.files().readText(leaf, "cgroup.procs")).isEqualTo(child.pid() + "\n");
          for (String kind : List.of("net", "ipc", "uts")) {
            assertThat(namespace(child.pid() + "", kind)).isNotEqualTo(namespace("self", kind));
          }
          assertThat(namespace(child.pid() + "", "mnt")).isEqualTo(namespace("self", "mnt"));
          linux.files().writeControl(leaf, "cgroup.kill", "1");
          assertThat(linux.processes().waitidBlocking(child.pidfd()))
              .isEqualTo(new ExitStatus.Killed(Signals.SIGKILL, false));
        }
      } finally {
        linux.files().unlinkat(root, name, OpenFlags.AT_REMOVEDIR);
      }
    }
  }

  private String namespace(String pid, String kind) {
    return linux.files().readlinkat(Fd.AT_FDCWD, "/proc/" + pid + "/ns/" + kind);
  }

  @Test
  void failuresNameTheStepAndLeaveNothing() {
    linux.blocking(); // whatever the JVM opens by itself is open before counting
    List<String> before = RealKernel.openFds();
    try (Fd text = program("/etc/passwd");
        Fd shell = program("/bin/sh")) {
      assertThatThrownBy(() -> linux.processes().spawn(SpawnRequest.of(text, List.of("x"))))
          .hasMessage("execveat(spawn of x (/etc/passwd)): EACCES (Permission denied)");
      assertThatThrownBy(() ->
              linux.processes().spawn(SpawnRequest.of(shell, List.of("sh")).withCgroup(shell)))
          .hasMessageStartingWith("clone3(spawn of sh (/")
          .hasMessageEndingWith("EBADF (Bad file descriptor)");
      SpawnRequest hole = SpawnRequest.of(shell, List.of("sh")).withFd(Fd.borrowed(800_000), 3);
      assertThatThrownBy(() -> linux.processes().spawn(hole)).hasMessageStartingWith("fcntl(");
      assertThatThrownBy(() ->
              linux
                  .processes()
                  .spawn(
                      SpawnRequest.of(shell, List.of("sh"))
                          .withNamespaces(CloneFlags.CLONE_NEWUSER)))
          .hasMessageContaining("EINVAL");
    }
    assertThat(RealKernel.newFds(before)).isEmpty();
  }

  @Test
  void missingLibraryIsToldWithItsFile() {
    try (JnrLinux other = new JnrLinux(Path.of("/nowhere"));
        Fd shell = program("/bin/sh")) {
      assertThatThrownBy(() -> other.processes().spawn(SpawnRequest.of(shell, List.of("sh"))))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("/nowhere/libmolospawn.so")
          .hasMessageContaining("molo.native");
    }
  }

  @Test
  void virtualThreadsSpawnAtOnce() throws Exception {
    Queue<String> wrong = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    List<String> before = RealKernel.openFds();
    try (Fd shell = program("/bin/sh")) {
      for (int t = 0; t < 40; t++) {
        int code = t;
        threads.add(
            Thread.ofVirtual()
                .start(() -> {
                  SpawnRequest request =
                      SpawnRequest.of(shell, List.of("sh", "-c", "exit " + code));
                  try (Spawned child = linux.processes().spawn(request)) {
                    int got = linux.processes().waitidBlocking(child.pidfd()).shellCode();
                    if (got != code) {
                      wrong.add(code + " became " + got);
                    }
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(RealKernel.newFds(before)).isEmpty();
  }

  @Test
  void pidfdGetfdCopiesAnothersDescriptor() {
    try (Fd sleep = program("/bin/sleep");
        Fd memfd = linux.memfds().sealed("x", ByteBuffer.wrap(new byte[] {7}));
        Spawned child =
            linux
                .processes()
                .spawn(SpawnRequest.of(sleep, List.of("sleep", "60")).withFd(memfd, 9))) {
      try (Fd copy = linux.processes().pidfdGetfd(child.pidfd(), 9)) {
        assertThat(linux.files().fstat(copy).inode()).isEqualTo(linux.files().fstat(memfd).inode());
      } finally {
        linux.processes().pidfdSendSignal(child.pidfd(), Signals.SIGKILL);
        linux.processes().waitidBlocking(child.pidfd());
      }
    }
  }
}

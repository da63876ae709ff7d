package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Nftables;
import dev.molo.linux.RealKernel;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(RealKernel.class)
class JnrNftablesIT {

  private final Nftables nft = RealKernel.linux().nftables();
  private final String table = "molo-it-" + ProcessHandle.current().pid();

  @BeforeEach
  void needTheInetFamily() {
    try {
      nft.run("add table inet " + table);
    } catch (LinuxException e) {
      if (e.errno() == Errno.EOPNOTSUPP) {
        System.out.println(
            "SKIPPED JnrNftablesIT: this kernel has no inet tables: " + e.getMessage());
      }
      assumeThat(e.errno()).as("inet tables").isNotEqualTo(Errno.EOPNOTSUPP);
      throw e;
    }
  }

  @AfterEach
  void remove() {
    if (nft.run("list tables").contains(table)) {
      nft.run("delete table inet " + table);
    }
    assertThat(nft.run("list tables")).doesNotContain(table);
  }

  @Test
  void rulesAreMadeAndListed() {
    nft.run(
        "add table inet %1$s\nadd chain inet %1$s c\nadd rule inet %1$s c ip saddr 192.0.2.1 drop\n"
            .formatted(table));
    assertThat(nft.run("list table inet " + table)).contains("ip saddr 192.0.2.1 drop");
  }

  @Test
  void failedTransactionChangesNothing() {
    nft.run("add table inet " + table);
    String commands = "add chain inet %1$s c\nadd rule inet %1$s absent drop\n".formatted(table);
    assertThatThrownBy(() -> nft.run(commands))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
        .hasMessageContaining("absent");
    assertThat(nft.run("list table inet " + table)).doesNotContain("chain c");
  }

  @Test
  void firstErrorOfSeveralIsTheCause() {
    String commands = "add chain ip6 absent c\ncreate table inet %1$s\n".formatted(table);
    assertThatThrownBy(() -> nft.run(commands))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
  }

  @Test
  void syntaxErrorIsQuoted() {
    assertThatThrownBy(() -> nft.run("add nonsense"))
        .isInstanceOf(LinuxException.class)
        .hasMessageContaining("syntax error");
    assertThat(nft.run("list tables")).isNotNull();
  }

  @Test
  void manyRunsLeaveNoDescriptor() {
    nft.run("list tables");
    List<String> before = RealKernel.openFds();
    long start = System.nanoTime();
    int runs = 100;
    for (int i = 0; i < runs; i++) {
      nft.run("add table inet " + table);
    }
    System.out.printf("nftables transaction: %.3f ms%n", (System.nanoTime() - start) / 1e8);
    // a socket for each run would show; one of the JVM's own comes or goes at any time
    assertThat(RealKernel.openFds().size() - before.size()).isLessThan(runs / 2);
  }
}

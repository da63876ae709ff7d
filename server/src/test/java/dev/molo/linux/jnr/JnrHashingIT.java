package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.linux.Hashing;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The native hash against the JDK's. */
final class JnrHashingIT {
  @ParameterizedTest
  @EnumSource
  void equalsTheJdks(Hashing.Function function) {
    Random random = new Random(3);
    for (int length : new int[] {0, 1, 55, 56, 64, 65535, 65536, 65537, 300_000}) {
      byte[] content = new byte[length + 7];
      random.nextBytes(content);
      try (Hashing.Hash ours = new JnrHashing().begin(function);
          Hashing.Hash theirs = Hashing.jdk().begin(function)) {
        int half = length / 2;
        for (Hashing.Hash hash : new Hashing.Hash[] {ours, theirs}) {
          hash.update(content, 7, half);
          ByteBuffer direct = ByteBuffer.allocateDirect(content.length).put(content).flip();
          hash.update(direct.position(7 + half));
          assertThat(direct.hasRemaining()).isFalse();
        }
        assertThat(ours.digest()).isEqualTo(theirs.digest()).hasSize(function.bytes());
      }
    }
  }
}

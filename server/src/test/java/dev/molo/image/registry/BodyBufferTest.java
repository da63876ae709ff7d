package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class BodyBufferTest {
  private static final int CAPACITY = 100;

  private final BodyBuffer buffer = new BodyBuffer(CAPACITY);

  @Test
  void whatComesGoesInOrderWhateverFindsRoom() {
    Random random = new Random(7);
    ByteArrayOutputStream came = new ByteArrayOutputStream();
    ByteArrayOutputStream went = new ByteArrayOutputStream();
    byte[] into = new byte[CAPACITY];
    for (int round = 0; round < 10_000; round++) {
      // Now and then more than there is room for, and more than one such.
      byte[] bytes = new byte[random.nextInt(random.nextInt(10) == 0 ? 2 * CAPACITY : 40)];
      random.nextBytes(bytes);
      buffer.add(Buffer.buffer(bytes));
      came.writeBytes(bytes);
      while (buffer.length() > 0 && random.nextInt(4) > 0) {
        int n = buffer.take(into, 3, 1 + random.nextInt(60));
        assertThat(n).isBetween(1, 60);
        went.write(into, 3, n);
      }
      assertThat(buffer.length()).isEqualTo(came.size() - went.size());
    }
    while (buffer.length() > 0) {
      went.write(into, 0, buffer.take(into, 0, CAPACITY));
    }
    assertThat(went.toByteArray()).isEqualTo(came.toByteArray());
  }

  @Test
  void clearedItIsAsNew() {
    byte[] into = new byte[2];
    buffer.add(Buffer.buffer(new byte[70]));
    buffer.add(Buffer.buffer(new byte[70]));
    buffer.clear();
    assertThat(buffer.length()).isZero();
    buffer.add(Buffer.buffer(new byte[] {4, 5}));
    assertThat(buffer.take(into, 0, 2)).isEqualTo(2);
    assertThat(into).containsExactly(4, 5);
  }
}

package dev.molo.app;

import dev.molo.Program;
import dev.molo.image.TarBytes;
import dev.molo.image.TestArchives;
import dev.molo.image.TestImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * An image with one static program in it: /workload, and again as /set-uid, which runs as its
 * owner, root.
 */
final class WorkloadImage {
  static final String REFERENCE = "example.test/workload:1";

  private WorkloadImage() {}

  /** Compiles the program (musl-gcc) and writes an archive of the image into {@code folder}. */
  static Path make(Path folder) throws IOException, InterruptedException {
    byte[] program = compile(folder);
    TarBytes layer =
        new TarBytes()
            .add(TarBytes.file("workload", program).mode(0755))
            .add(TarBytes.file("set-uid", program).mode(04755));
    TestImage image = new TestImage();
    image.config("Entrypoint", "/workload").gzipLayer(layer.bytes());
    return Files.write(folder.resolve("workload.tar"), TestArchives.oci(image, REFERENCE));
  }

  private static byte[] compile(Path folder) throws IOException, InterruptedException {
    Path source = folder.resolve("workload.c");
    Path program = folder.resolve("workload");
    try (InputStream in = WorkloadImage.class.getResourceAsStream("workload.c")) {
      Files.copy(in, source);
    }
    Program.Ended compiler =
        Program.run("musl-gcc", "-static", "-Os", "-o", program.toString(), source.toString());
    if (compiler.status() != 0) {
      throw new IOException("musl-gcc cannot compile " + source + ": " + compiler.output());
    }
    return Files.readAllBytes(program);
  }
}

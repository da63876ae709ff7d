package dev.molo.app;

import dev.molo.image.TarBytes;
import dev.molo.image.TestArchives;
import dev.molo.image.TestImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** An image whose one program is /bin/probe, which says what a process in there sees. */
final class ProbeImage {
  static final String REFERENCE = "example.test/probe:1";

  private static final Path PROGRAM =
      Path.of(System.getProperty("molo.native", "../native-shims/target"), "test/molo-probe");

  private ProbeImage() {}

  /** Writes an archive of the image into {@code folder}. */
  static Path make(Path folder) throws IOException {
    TarBytes layer = program();
    layer.add(TarBytes.directory("etc"));
    layer.add(
        TarBytes.file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nkeeper:x:1001:1002:the keeper:/home/keeper:/bin/sh\n"));
    layer.add(TarBytes.file("etc/group", "root:x:0:\nkeepers:x:1002:\nharbour:x:50000:keeper\n"));
    return write(folder.resolve("probe.tar"), REFERENCE, new TestImage(), layer);
  }

  /** A layer with the program in it and nothing else. */
  static TarBytes program() throws IOException {
    return new TarBytes()
        .add(TarBytes.directory("bin"))
        .add(TarBytes.file("bin/probe", Files.readAllBytes(PROGRAM)).mode(0755));
  }

  /** An archive of an image with this layer, whose entrypoint is the program. */
  static Path write(Path archive, String reference, TestImage image, TarBytes layer)
      throws IOException {
    image.config("Entrypoint", "/bin/probe").gzipLayer(layer.bytes());
    return Files.write(archive, TestArchives.oci(image, reference));
  }
}

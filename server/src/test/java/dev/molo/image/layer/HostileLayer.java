package dev.molo.image.layer;

import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.TarBytes;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.jnr.JnrLinux;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.util.AbstractList;
import java.util.Collections;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * What a layer goes through, for one that is made while it is read: unpacked, verified, deleted. To
 * be run in a JVM with a small heap: {@code HostileLayer FOLDER KIND COUNT}.
 */
final class HostileLayer {
  private final Linux linux = JnrLinux.fromProperties();
  private final Path folder;
  private final IntFunction<byte[]> piece;
  private final int pieces;

  private HostileLayer(Path folder, IntFunction<byte[]> piece, int pieces) {
    this.folder = folder;
    this.piece = piece;
    this.pieces = pieces;
  }

  public static void main(String[] args) throws IOException {
    int count = Integer.parseInt(args[2]);
    IntFunction<byte[]> piece =
        switch (args[1]) {
          case "wide" -> HostileLayer::wide;
          case "replaced" -> number -> replaced(number, count);
          case "records" -> HostileLayer::records;
          default -> throw new IllegalArgumentException(args[1]);
        };
    new HostileLayer(Path.of(args[0]), piece, count).run();
    System.out.println("done");
  }

  /** Directories, each with a time of its own, and files with two names, all in one directory. */
  private static byte[] wide(int number) {
    return new TarBytes()
        .add(TarBytes.directory("d/directory-" + number).mtime(number))
        .add(TarBytes.file("d/file-" + number, ""))
        .add(TarBytes.hardlink("d/file-" + number + "-too", "d/file-" + number))
        .unfinished();
  }

  /** A directory full of files, in whose place a file comes at the end. */
  private static byte[] replaced(int number, int count) {
    TarBytes tar = new TarBytes();
    tar.add(TarBytes.file("d/file-" + number, ""));
    if (number == count - 1) {
      tar.add(TarBytes.file("d", "a file now"));
    }
    return tar.unfinished();
  }

  /** A global header with as many records as fit, whose names mean nothing; then a file. */
  private static byte[] records(int number) {
    StringBuilder records = new StringBuilder();
    for (int i = 0; i < 20_000; i++) {
      records.append("23 %06d.%06d=value\n".formatted(number, i));
    }
    byte[] bytes = records.toString().getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    return new TarBytes()
        .raw(TarBytes.header("g", 'g', 0644, 0, 0, bytes.length, 0, "", 0, 0))
        .raw(bytes)
        .raw(new byte[-bytes.length & 511])
        .add(TarBytes.file("file-" + number, ""))
        .unfinished();
  }

  private InputStream tar() {
    return new SequenceInputStream(
        Collections.enumeration(
            new AbstractList<InputStream>() {
              @Override
              public InputStream get(int number) {
                return new ByteArrayInputStream(
                    number < pieces ? piece.apply(number) : new byte[1024]);
              }

              @Override
              public int size() {
                return pieces + 1;
              }
            }));
  }

  private void run() throws IOException {
    Digest.Algorithm sha256 = Digest.Algorithm.SHA256;
    DigestInputStream hashed = new DigestInputStream(tar(), sha256.newMessageDigest());
    long size = hashed.transferTo(OutputStream.nullOutputStream());
    Digest diffId = Digest.of(sha256, hashed.getMessageDigest());
    Path path = Files.createDirectory(folder.resolve("layer"));
    Path scratch = Files.createDirectory(folder.resolve("scratch"));
    try (Fd layer = open(path);
        Fd empty = open(scratch)) {
      LayerFetch.Result result =
          new LayerFetch(
                  linux.files(),
                  linux.hashing(),
                  linux.inflation(),
                  UnpackLimits.standard(),
                  new SpareProcessors(2, Thread.ofPlatform()::start))
              .run(Descriptor.of("", diffId, size), diffId, tar(), layer, new LayerWork("layer"));
      StoredLayer stored =
          new StoredLayer(
              diffId,
              StoredLayer.nameOf(diffId),
              result.layer().bytes(),
              result.layer().inodes(),
              result.tarBytes(),
              Optional.empty(),
              "boot");
      Optional<String> wrong =
          new LayerVerification(linux.files(), linux.hashing())
              .run(stored, layer, empty, Cancellation.create());
      if (wrong.isPresent()) {
        throw new IllegalStateException(wrong.get());
      }
      times(path.resolve("fs/d"));
    }
    try (Fd base = open(folder)) {
      new TreeRemoval(linux.files(), base).remove("layer");
      new TreeRemoval(linux.files(), base).remove("scratch");
    }
  }

  /** Those of the directories, where there are any, are the archive's. */
  private static void times(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (var names = Files.newDirectoryStream(directory, "directory-*")) {
      for (Path one : names) {
        long number = Long.parseLong(one.getFileName().toString().substring("directory-".length()));
        if (Files.getLastModifiedTime(one).toMillis() != number * 1000) {
          throw new IllegalStateException(one + " has not the archive's time");
        }
      }
    }
  }

  private Fd open(Path path) {
    return linux.files().open(path.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
  }
}

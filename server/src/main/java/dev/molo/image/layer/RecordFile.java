package dev.molo.image.layer;

import dev.molo.image.Digest;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A small file that knows whether it is whole: one line {@code molo-KIND VERSION sha256:…}, then
 * the content that the digest is of. Written beside its name and renamed into place.
 */
public final class RecordFile {
  /** Appended to the name of a record that is being written. */
  public static final String TEMPORARY = ".new";

  private static final int MAX_BYTES = 24 << 20;

  private final Files files;
  private final String kind;
  private final int version;

  /**
   * @param kind a word for the first line
   * @param version of the content's form; another one is foreign
   */
  public RecordFile(Files files, String kind, int version) {
    this.files = files;
    this.kind = kind;
    this.version = version;
  }

  /**
   * Writes and renames. What cannot be written leaves nothing beside the record.
   *
   * @param durable whether file and name are synced before this returns
   */
  public void write(Fd directory, String name, byte[] content, boolean durable) {
    String temporary = name + TEMPORARY;
    byte[] head = (prefix() + Digest.ofBytes(content) + "\n").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer whole =
        ByteBuffer.allocateDirect(head.length + content.length).put(head).put(content).flip();
    try {
      write(directory, temporary, whole, durable);
      files.renameat2(directory, temporary, directory, name, 0);
    } catch (LinuxException e) {
      removeHalfMade(directory, temporary, e);
      throw e;
    }
    if (durable) {
      files.fsync(directory);
    }
  }

  private void write(Fd directory, String temporary, ByteBuffer whole, boolean durable) {
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC | OpenFlags.O_NOFOLLOW;
    try (Fd file = files.openat2(directory, temporary, flags, 0600, 0)) {
      files.writeFully(file, whole);
      if (durable) {
        files.fsync(file);
      }
    }
  }

  private void removeHalfMade(Fd directory, String temporary, LinuxException why) {
    try {
      files.unlinkat(directory, temporary, 0);
    } catch (LinuxException e) {
      // It may not have come to that; else who reads the folder next removes it.
      if (e.errno() != Errno.ENOENT) {
        why.addSuppressed(e);
      }
    }
  }

  /**
   * Reads and checks.
   *
   * @throws IOException when it is torn, or not of this kind and version
   */
  public byte[] read(Fd directory, String name) throws IOException {
    byte[] whole = files.readFile(directory, name, MAX_BYTES);
    int end = 0;
    while (end < whole.length && whole[end] != '\n') {
      end++;
    }
    String head = new String(whole, 0, end, StandardCharsets.ISO_8859_1);
    if (end == whole.length || !head.startsWith("molo-" + kind + " ")) {
      throw new IOException("it is not a record of kind " + kind);
    }
    if (!head.startsWith(prefix())) {
      throw new IOException("it is of another version than " + version);
    }
    byte[] content = Arrays.copyOfRange(whole, end + 1, whole.length);
    if (!head.substring(prefix().length()).equals(Digest.ofBytes(content).toString())) {
      throw new IOException("its content does not match its checksum");
    }
    return content;
  }

  private String prefix() {
    return "molo-" + kind + " " + version + " ";
  }
}

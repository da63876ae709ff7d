package dev.molo.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.molo.fault.FaultException;
import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.Content;
import dev.molo.image.layer.LayerFaults;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.layer.RecordFile;
import dev.molo.linux.DirEntry;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.TimeSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One small file for each image, below images/records. A file that cannot be read is moved to
 * images/quarantine with a line in the log. Used under the lock of {@link ImageCatalogue}, where
 * nothing else is said.
 */
final class ImageRecords implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ImageRecords.class);
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String SUFFIX = ".image";
  private static final int DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  private static final Comparator<Written> BY_TIME =
      Comparator.<Written>comparingLong(written -> written.at().seconds())
          .thenComparingInt(written -> written.at().nanos());

  private final Files files;
  private final RecordFile form;
  private final LayerStore store;
  private final Fd root;
  private final Fd directory;

  private record Written(TimeSpec at, ImageRecord record) {}

  /** {@code store}: whose directory the records lie in, and whose trash they go to. */
  ImageRecords(Files files, LayerStore store) {
    this.files = files;
    this.form = new RecordFile(files, "image", 1);
    this.store = store;
    this.root = store.rootDirectory();
    this.directory = files.openat2(root, "records", DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH);
  }

  /** In the order in which they were written. */
  List<ImageRecord> readAll() {
    List<Written> all = new ArrayList<>();
    for (DirEntry entry : files.list(directory)) {
      String name = entry.name();
      if (name.endsWith(SUFFIX + RecordFile.TEMPORARY)) {
        // A write that a crash cut short; the record itself still says what it said before.
        files.unlinkat(directory, name, 0);
        continue;
      }
      if (!name.endsWith(SUFFIX)) {
        quarantine(name, "it is not a record");
        continue;
      }
      try {
        ImageRecord record = decode(form.read(directory, name));
        if (!fileName(record.id()).equals(name)) {
          throw new IOException("it is the record of " + record.id());
        }
        TimeSpec at = files.statx(directory, name, OpenFlags.AT_SYMLINK_NOFOLLOW).modified();
        all.add(new Written(at, record));
      } catch (IOException | FaultException | LinuxException e) {
        quarantine(name, e.getMessage());
      }
    }
    return all.stream().sorted(BY_TIME).map(Written::record).toList();
  }

  private void quarantine(String name, String why) {
    LOG.warn("image record {} is put into quarantine: {}", name, why);
    try {
      files.renameat2(directory, name, root, "quarantine/" + name, 0);
    } catch (LinuxException e) {
      LOG.error("image record {} cannot be put into quarantine: {}", name, e.getMessage());
    }
  }

  /**
   * Durable when this returns. When it fails, the record may be in its place all the same, and
   * {@link #takeBack} is for that.
   */
  void write(ImageRecord record) {
    try {
      form.write(directory, fileName(record.id()), encode(record), true);
    } catch (LinuxException e) {
      throw LayerFaults.of("write the record of image " + record.id(), e);
    }
  }

  /**
   * What {@link #write} could not bring to disk is not to be found by the next start either.
   *
   * @param before what was there; empty for an image that is new
   */
  void takeBack(ImageId id, Optional<ImageRecord> before) {
    try {
      if (before.isPresent()) {
        form.write(directory, fileName(id), encode(before.get()), false);
      } else {
        files.unlinkat(directory, fileName(id), 0);
      }
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        LOG.error(
            "image record {}: what could not be written cannot be taken back either: {}; the next"
                + " start may find it",
            id,
            e.getMessage());
      }
    }
  }

  /**
   * Does not wait for the disk, so that a power cut may bring the record back. Renamed rather than
   * unlinked: to give a file's blocks back takes up to 28 ms on a disk that is told of them (mount
   * option discard).
   */
  void delete(ImageId id) {
    try {
      if (!store.discard(directory, fileName(id), this::syncDeletions)) {
        // A full disk may have no room for one more name.
        files.unlinkat(directory, fileName(id), 0);
      }
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        throw LayerFaults.of("delete the record of image " + id, e);
      }
    }
  }

  /** On the deleter's thread, before anything that the images had is deleted. */
  private void syncDeletions() {
    try {
      files.fsync(directory);
    } catch (LinuxException e) {
      LOG.error(
          "image records: the disk does not take that some are gone: {}; a reboot may bring them"
              + " back",
          e.getMessage());
    }
  }

  private static String fileName(ImageId id) {
    return id.digest().hex() + SUFFIX;
  }

  private static byte[] encode(ImageRecord record) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("id", record.id().toString());
    record.tags().forEach(json.putArray("tags")::add);
    record.digests().forEach(json.putArray("digests")::add);
    json.put("config", Base64.getEncoder().encodeToString(record.config().bytes()));
    json.put("manifest", Base64.getEncoder().encodeToString(record.manifest().bytes()));
    ObjectNode annotations = json.putObject("annotations");
    record.annotations().forEach(annotations::put);
    try {
      return MAPPER.writeValueAsBytes(json);
    } catch (IOException e) {
      throw new IllegalStateException("a record of strings can always be written", e);
    }
  }

  private static ImageRecord decode(byte[] content) throws IOException {
    JsonNode json = MAPPER.readTree(content);
    byte[] config = binary(json, "config");
    ImageId id = ImageId.parse(json.path("id").asText());
    Map<String, String> annotations = new LinkedHashMap<>();
    json.path("annotations")
        .properties()
        .forEach(e -> annotations.put(e.getKey(), e.getValue().asText()));
    return new ImageRecord(
        texts(json.path("tags")),
        texts(json.path("digests")),
        ConfigDocument.parse(id.digest(), config),
        Content.of(config),
        Content.of(binary(json, "manifest")),
        annotations);
  }

  private static byte[] binary(JsonNode json, String field) throws IOException {
    try {
      return Base64.getDecoder().decode(json.path(field).asText());
    } catch (IllegalArgumentException e) {
      throw new IOException("its " + field + " is not base64", e);
    }
  }

  private static List<String> texts(JsonNode node) {
    if (!(node instanceof ArrayNode)) {
      return List.of();
    }
    List<String> texts = new ArrayList<>();
    node.forEach(item -> texts.add(item.asText()));
    return texts;
  }

  @Override
  public void close() {
    directory.close();
  }
}

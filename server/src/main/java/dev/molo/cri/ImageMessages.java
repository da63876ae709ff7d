package dev.molo.cri;

import dev.molo.cri.v1.FilesystemIdentifier;
import dev.molo.cri.v1.FilesystemUsage;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.UInt64Value;
import dev.molo.image.Image;
import dev.molo.image.Usage;
import java.time.Instant;

/** Images, from the domain to the wire. */
final class ImageMessages {
  private static final long MAX_ID = 4_294_967_294L;

  private ImageMessages() {}

  static dev.molo.cri.v1.Image image(Image image) {
    dev.molo.cri.v1.Image.Builder message =
        dev.molo.cri.v1.Image.newBuilder()
            .setId(image.id().toString())
            .addAllRepoTags(image.repoTags())
            .addAllRepoDigests(image.repoDigests())
            // CRI wants it above 0, and an image of no layers takes its record at least
            .setSize(Math.max(1, image.size()))
            .setSpec(
                ImageSpec.newBuilder()
                    .setImage(image.id().toString())
                    .putAllAnnotations(image.annotations()))
            .setPinned(image.pinned());
    setUser(image.config().user(), message);
    return message.build();
  }

  /** The user without the group; a number as a number, so that the kubelet can tell root. */
  private static void setUser(String user, dev.molo.cri.v1.Image.Builder message) {
    int colon = user.indexOf(':');
    String name = colon < 0 ? user : user.substring(0, colon);
    boolean digits = !name.isEmpty() && name.chars().allMatch(c -> c >= '0' && c <= '9');
    if (digits && name.length() <= 10 && Long.parseLong(name) <= MAX_ID) {
      message.setUid(Int64Value.newBuilder().setValue(Long.parseLong(name)));
    } else {
      message.setUsername(name);
    }
  }

  static FilesystemUsage usage(Usage usage) {
    return FilesystemUsage.newBuilder()
        .setTimestamp(nanos(usage.timestamp()))
        .setFsId(FilesystemIdentifier.newBuilder().setMountpoint(usage.mountpoint().toString()))
        .setUsedBytes(UInt64Value.newBuilder().setValue(usage.bytes()))
        .setInodesUsed(UInt64Value.newBuilder().setValue(usage.inodes()))
        .build();
  }

  private static long nanos(Instant instant) {
    return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
  }
}

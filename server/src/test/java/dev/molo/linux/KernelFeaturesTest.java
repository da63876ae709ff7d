package dev.molo.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class KernelFeaturesTest {

  private final RecordingLinux linux =
      new RecordingLinux().answer("kernelRelease", call -> "5.10.0-32-amd64");
  private final KernelFeatures features = new KernelFeatures(linux, Path.of("/x"), Path.of("/y"));

  @Test
  void oldKernelIsUnavailableWithARemedy() {
    KernelFeature kernel = features.of(KernelFeatures.Feature.KERNEL);
    assertThat(kernel.available()).isFalse();
    assertThat(kernel.detail()).contains("5.10.0-32-amd64");
    assertThat(kernel.remedy()).contains("6.1");
  }

  @Test
  void refusalIsTheDetail() {
    linux.refuse("openTree", Errno.EPERM);
    KernelFeature openTree = features.of(KernelFeatures.Feature.OPEN_TREE);
    assertThat(openTree.available()).isFalse();
    assertThat(openTree.detail()).contains("EPERM");
  }

  @Test
  void answerIsKept() {
    features.of(KernelFeatures.Feature.PIDFD);
    int before = linux.calls().size();
    features.of(KernelFeatures.Feature.PIDFD);
    assertThat(linux.calls()).hasSize(before);
  }

  @Test
  void triesCloseWhatTheyOpen() {
    TimeSpec time = new TimeSpec(0, 0);
    Stat.Device device = new Stat.Device(0, 1);
    Stat folder =
        new Stat(040755, 2, 0, 0, 1, 0, 0, 4096, device, device, time, time, time, 1, false);
    linux.answer("statx", call -> folder);
    for (KernelFeatures.Feature feature :
        java.util.List.of(
            KernelFeatures.Feature.OPEN_TREE,
            KernelFeatures.Feature.MOUNT_SETATTR,
            KernelFeatures.Feature.FSOPEN_PROC,
            KernelFeatures.Feature.MOVE_MOUNT)) {
      for (int after = 0; after < 8; after++) {
        linux.refuseAfter(after, Errno.EIO);
        new KernelFeatures(linux, Path.of("/x"), Path.of("/y")).of(feature);
        assertThat(linux.openFds()).as(feature + " failing after " + after).isEmpty();
      }
    }
  }
}

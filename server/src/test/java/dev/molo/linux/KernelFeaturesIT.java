package dev.molo.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@Tag("guest") // on Linux 6.1 too
@ExtendWith(RealKernel.class)
class KernelFeaturesIT {

  @TempDir Path folder;

  @Test
  void everyFeatureAnswersAndNothingStays() throws Exception {
    KernelFeatures warm = new KernelFeatures(RealKernel.linux(), folder, RealKernel.cgroup2());
    warm.all();
    List<String> fds = RealKernel.openFds();
    KernelFeatures features = new KernelFeatures(RealKernel.linux(), folder, RealKernel.cgroup2());
    long start = System.nanoTime();
    List<KernelFeature> quick = features.quick();
    System.out.printf("kernel features for Status: %.1f ms%n", (System.nanoTime() - start) / 1e6);
    assertThat(quick).allMatch(KernelFeature::available);
    for (KernelFeature feature : features.all()) {
      System.out.printf(
          "%-32s %-4s %s%n", feature.name(), feature.available() ? "yes" : "NO", feature.detail());
      assertThat(feature.detail()).isNotBlank();
      assertThat(feature.remedy().isEmpty()).isEqualTo(feature.available());
    }
    assertThat(RealKernel.newFds(fds)).isEmpty();
    try (var left = java.nio.file.Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }
}

package dev.molo.http;

import dev.molo.image.Images;
import dev.molo.image.PullProgress;
import dev.molo.image.Usage;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.PodRuntime;
import dev.molo.pod.Unaccounted;
import io.prometheus.client.Collector;
import io.prometheus.client.GaugeMetricFamily;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the daemon knows at the moment it is asked; nothing is kept between scrapes. */
final class DaemonMetrics extends Collector {
  private final PodRuntime pods;
  private final Images images;

  DaemonMetrics(PodRuntime pods, Images images) {
    this.pods = pods;
    this.images = images;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    Usage usage = images.usage();
    Unaccounted unaccounted = pods.unaccounted();
    Runtime runtime = Runtime.getRuntime();
    return List.of(
        byState("molo_pods", "Pod sandboxes by state.", podStates()),
        byState("molo_containers", "Containers by state.", containerStates()),
        gauge("molo_images", "Images in the store.", images.list().size()),
        gauge("molo_image_store_bytes", "Bytes that all layers take.", usage.bytes()),
        gauge("molo_image_store_inodes", "Inodes that all layers take.", usage.inodes()),
        gauge("molo_image_pulls", "Pulls and imports under way.", images.pulling().size()),
        byState("molo_image_pull_layers", "Layers of pulls under way by stage.", pullLayers()),
        gauge(
            "molo_image_pull_bytes_per_second",
            "How fast the layers of pulls under way come.",
            layersUnderWay().mapToLong(PullProgress.Layer::bytesPerSecond).sum()),
        gauge(
            "molo_slow_stages",
            "Steps of verbs that have been going on for too long.",
            pods.condition().slowStages().size()),
        gauge(
            "molo_unaccounted_pods",
            "Cgroups of pods that have processes and no record.",
            unaccounted.pods()),
        gauge(
            "molo_quarantined_records",
            "Folders set aside because their records could not be read.",
            unaccounted.quarantined()),
        gauge("molo_undeleted_folders", "Folders still to be deleted.", unaccounted.undeleted()),
        gauge("molo_heap_bytes", "Heap in use.", runtime.totalMemory() - runtime.freeMemory()),
        gauge("molo_heap_limit_bytes", "The heap's limit.", runtime.maxMemory()),
        gauge("molo_threads", "Threads of the process.", entries(Path.of("/proc/self/task"))),
        gauge(
            "molo_open_descriptors",
            "Open file descriptors of the process.",
            entries(Path.of("/proc/self/fd"))));
  }

  private Map<String, Long> podStates() {
    return pods.podSandboxes().stream()
        .collect(
            Collectors.groupingBy(
                pod -> pod.ready() ? "ready" : "notready", TreeMap::new, Collectors.counting()));
  }

  private Map<String, Long> containerStates() {
    return pods.containers().stream()
        .map(ContainerSnapshot::state)
        .collect(
            Collectors.groupingBy(ContainersDocument::state, TreeMap::new, Collectors.counting()));
  }

  private Stream<PullProgress.Layer> layersUnderWay() {
    return images.pulling().stream().flatMap(pull -> pull.layers().stream());
  }

  private Map<String, Long> pullLayers() {
    return layersUnderWay()
        .collect(
            Collectors.groupingBy(
                layer -> layer.stage().name().toLowerCase(Locale.ROOT),
                TreeMap::new,
                Collectors.counting()));
  }

  private static MetricFamilySamples byState(String name, String text, Map<String, Long> counts) {
    GaugeMetricFamily family = new GaugeMetricFamily(name, text, List.of("state"));
    counts.forEach((state, count) -> family.addMetric(List.of(state), count.doubleValue()));
    return family;
  }

  private static MetricFamilySamples gauge(String name, String text, long value) {
    return new GaugeMetricFamily(name, text, (double) value);
  }

  private static long entries(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

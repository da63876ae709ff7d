package dev.molo.app.cli.manifest;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a container's environment can ask about its pod (the downward API).
 *
 * @param addresses the pod's, the primary first
 * @param node the host's name
 * @param nodeAddress the host's address; empty when there is none
 */
public record PodFacts(PodManifest pod, List<String> addresses, String node, String nodeAddress) {
  private static final Set<String> KNOWN =
      Set.of(
          "metadata.name",
          "metadata.namespace",
          "metadata.uid",
          "spec.nodeName",
          "status.podIP",
          "status.podIPs",
          "status.hostIP");

  public PodFacts {
    addresses = List.copyOf(addresses);
  }

  static boolean knows(String path) {
    return KNOWN.contains(path) || path.matches("metadata\\.(labels|annotations)\\['[^']+'\\]");
  }

  String value(String path) {
    return switch (path) {
      case "metadata.name" -> pod.name();
      case "metadata.namespace" -> pod.namespace();
      case "metadata.uid" -> pod.uid();
      case "spec.nodeName" -> node;
      case "status.podIP" -> addresses.isEmpty() ? "" : addresses.getFirst();
      case "status.podIPs" -> String.join(",", addresses);
      case "status.hostIP" -> nodeAddress;
      default -> entry(path);
    };
  }

  private String entry(String path) {
    String key = path.substring(path.indexOf('\'') + 1, path.length() - 2);
    Map<String, String> map = path.startsWith("metadata.labels") ? pod.labels() : pod.annotations();
    return map.getOrDefault(key, "");
  }
}

package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** All images at one moment, and the ways to find one. Immutable; replaced as a whole. */
final class ImageIndex {
  private final List<Image> sorted;
  private final TreeMap<String, Image> byHex = new TreeMap<>();
  private final Map<String, Image> byName = new HashMap<>();

  ImageIndex(Collection<Image> images) {
    sorted = images.stream().sorted(Comparator.comparing(Image::id)).toList();
    for (Image image : sorted) {
      byHex.put(image.id().digest().hex(), image);
      image.repoTags().forEach(name -> byName.put(name, image));
      image.repoDigests().forEach(name -> byName.put(name, image));
    }
  }

  List<Image> sorted() {
    return sorted;
  }

  Optional<Image> byId(ImageId id) {
    return Optional.ofNullable(byHex.get(id.digest().hex()));
  }

  /** See {@link Images#find}. */
  Optional<Image> find(String text) {
    if (text.isEmpty()) {
      throw FaultException.invalid("image: the reference is empty");
    }
    for (Digest.Algorithm algorithm : Digest.Algorithm.values()) {
      String prefix = algorithm.prefix() + ":";
      if (text.startsWith(prefix)) {
        return byPrefix(text, text.substring(prefix.length()), EnumSet.of(algorithm));
      }
    }
    Optional<Image> named = byReference(text);
    return named.isPresent() ? named : byPrefix(text, text, EnumSet.allOf(Digest.Algorithm.class));
  }

  private Optional<Image> byReference(String text) {
    Reference reference;
    try {
      reference = Reference.parse(text).orLatest();
    } catch (FaultException e) {
      // Not a reference: an id, or nothing that we have.
      return Optional.empty();
    }
    return Optional.ofNullable(byName.get(reference.toString()));
  }

  private Optional<Image> byPrefix(String text, String hex, Set<Digest.Algorithm> algorithms) {
    if (hex.isEmpty()) {
      throw FaultException.invalid("image %s: the id is empty", Quoted.of(text));
    }
    if (!hex.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      return Optional.empty();
    }
    List<String> found = new ArrayList<>();
    for (String candidate : byHex.tailMap(hex, true).keySet()) {
      if (!candidate.startsWith(hex)) {
        break;
      }
      if (algorithms.contains(byHex.get(candidate).id().digest().algorithm())) {
        found.add(candidate);
      }
    }
    if (found.size() > 1 && !found.contains(hex)) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT,
          "image id "
              + Quoted.of(text)
              + " is ambiguous: "
              + found.size()
              + " images begin with it");
    }
    return found.isEmpty() ? Optional.empty() : Optional.of(byHex.get(found.getFirst()));
  }
}

package dev.molo.spec;

import java.util.List;

/**
 * What is added to and dropped from the default capabilities (CRI Capability). Names without CAP_,
 * upper case, or ALL.
 */
public record CapabilityRequest(List<String> add, List<String> drop, List<String> addAmbient) {
  public static final CapabilityRequest NONE =
      new CapabilityRequest(List.of(), List.of(), List.of());

  public CapabilityRequest {
    add = List.copyOf(add);
    drop = List.copyOf(drop);
    addAmbient = List.copyOf(addAmbient);
  }
}

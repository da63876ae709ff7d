package dev.molo.cri;

import java.util.List;

/**
 * Hears which networks the cluster gives to the pods of this node. Implementations do not block.
 */
@FunctionalInterface
public interface PodNetworks {
  /**
   * The networks were assigned, or assigned anew.
   *
   * @param cidrs at least one, as 10.1.0.0/24
   */
  void assigned(List<String> cidrs);
}

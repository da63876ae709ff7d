package dev.molo.network;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;

/**
 * The addresses of an instance's pods. One number, the offset from the base of each subnet, stands
 * for a pod's address in every family.
 *
 * <p>Offsets that were never given out go first, then those that rest the longest; one comes back
 * only after its quarantine. Taking and returning cost the same however many are taken. Not
 * thread-safe: the network thread owns it.
 */
final class AddressPool {
  /** The base is the subnet itself, the next the gateway. */
  static final int FIRST = 2;

  private static final int MOST = 1 << 20;

  private record Resting(int offset, long sinceNanos) {}

  private final List<Subnet> subnets;
  private final int end;
  private final long quarantineNanos;
  private final BitSet taken = new BitSet();
  private final Deque<Resting> resting = new ArrayDeque<>();
  private int start = FIRST;
  private int scanned;

  /**
   * @param subnets one for each family, at least one
   */
  AddressPool(List<Subnet> subnets, long quarantineNanos) {
    this.subnets = List.copyOf(subnets);
    this.quarantineNanos = quarantineNanos;
    this.end = subnets.stream().mapToInt(AddressPool::endOf).min().orElseThrow();
  }

  /** The offset after the last usable one. */
  private static int endOf(Subnet subnet) {
    int bits = (subnet.isIpv6() ? 128 : 32) - subnet.prefix();
    int size = bits >= 20 ? MOST : 1 << bits;
    // The last address of an IPv4 subnet is its broadcast address.
    return subnet.isIpv6() ? size : size - 1;
  }

  /**
   * Takes a free offset.
   *
   * @param nowNanos of the clock that {@link #release} gets
   * @throws FaultException RESOURCE_EXHAUSTED naming the pool
   */
  int take(long nowNanos) {
    while (scanned < capacity()) {
      int offset = FIRST + (start - FIRST + scanned++) % capacity();
      if (!taken.get(offset)) {
        taken.set(offset);
        return offset;
      }
    }
    Resting oldest = resting.peekFirst();
    if (oldest == null || nowNanos - oldest.sinceNanos() < quarantineNanos) {
      throw new FaultException(
          Fault.RESOURCE_EXHAUSTED,
          "take an address from pool %s: all %d are in use, %d of them resting after a pod's end"
              .formatted(this, capacity(), resting.size()));
    }
    resting.removeFirst();
    return oldest.offset();
  }

  /**
   * Takes the offset of a pod that is there already. Only before the first {@link #take}, which
   * then begins behind the highest: lower ones may have been given back a moment ago.
   *
   * @return false when it lies outside the pool or is taken
   */
  boolean reserve(int offset) {
    if (offset < FIRST || offset >= end || taken.get(offset)) {
      return false;
    }
    taken.set(offset);
    start = Math.max(start, offset + 1 == end ? FIRST : offset + 1);
    return true;
  }

  /** Gives a taken offset back, to rest. */
  void release(int offset, long nowNanos) {
    if (!taken.get(offset)) {
      throw new IllegalStateException("offset " + offset + " of " + this + " is not taken");
    }
    resting.addLast(new Resting(offset, nowNanos));
  }

  /** Gives back an offset that nobody on the network has seen. */
  void unused(int offset, long nowNanos) {
    release(offset, nowNanos - quarantineNanos);
  }

  /** How many addresses of each family it has. */
  int capacity() {
    return end - FIRST;
  }

  /** How many rest, or could be taken again after having rested. */
  int restingCount() {
    return resting.size();
  }

  @Override
  public String toString() {
    return String.join(" and ", subnets.stream().map(Subnet::toString).toList());
  }
}

package dev.molo.linux;

/**
 * Packet filter rules of this network namespace, through libnftables(3). Thread-safe: calls are run
 * one at a time.
 */
public interface Nftables {

  /**
   * Runs nft(8) commands as one transaction: all of them take effect, or none.
   *
   * @return what a list command printed, else an empty string
   * @throws LinuxException with nft's own error text as its detail
   */
  String run(String commands);
}

package dev.molo.spec;

/**
 * A port of the host that leads into the pod (CRI PortMapping).
 *
 * @param containerPort 1 to 65535
 * @param hostPort 0 to 65535; 0 maps nothing
 * @param hostIp the host's address it is bound to; empty means all
 */
public record PortMapping(Protocol protocol, int containerPort, int hostPort, String hostIp) {
  /** Transport protocols of CRI's Protocol. */
  public enum Protocol {
    TCP,
    UDP,
    SCTP
  }
}

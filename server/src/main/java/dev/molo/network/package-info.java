/**
 * The pods' network: one bridge per instance, a pool of addresses, masquerade.
 *
 * <p>Purpose: {@link dev.molo.network.PodNetworks} puts a veth pair between a pod's namespace and
 * the instance's bridge, with addresses and a default route, by rtnetlink and libnftables calls
 * made from here; no command is forked and no thread enters another namespace (the pod's side is
 * configured through a netlink socket that was made inside it).
 *
 * <p>State: {@link dev.molo.network.BridgeNetworks} owns the address pool, the netlink sockets and
 * the list of what it changed on the host. The kernel's links, named and tagged with the instance,
 * and the pods' own records are the truth after a restart; nothing else is stored but the sysctls
 * to put back.
 *
 * <p>Threads: one platform thread, {@code molo-network}, makes every change, in order (the kernel's
 * rtnl lock would serialise them anyway); {@code molo-network-reaper} waits for the kernel to
 * report links gone. Callers wait for the first; {@code status()} reads a snapshot.
 */
package dev.molo.network;

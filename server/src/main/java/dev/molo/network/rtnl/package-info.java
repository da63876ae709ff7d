/**
 * rtnetlink (rtnetlink(7), netlink(7)): a small typed encoder and decoder of links, addresses and
 * routes.
 *
 * <p>Purpose: {@link dev.molo.network.rtnl.RouteNetlink} says what molo needs in the kernel's
 * words; {@link dev.molo.network.rtnl.NetlinkSocket} sends batches and pairs the answers. All
 * numbers are in host byte order, addresses in network order.
 *
 * <p>State: none but a socket's sequence number and buffer. Threads: a socket belongs to one thread
 * at a time; records are immutable.
 */
package dev.molo.network.rtnl;

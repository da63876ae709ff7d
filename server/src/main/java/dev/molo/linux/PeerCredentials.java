package dev.molo.linux;

/** Who was on the other end when a unix socket connected (SO_PEERCRED, unix(7)). */
public record PeerCredentials(int pid, long uid, long gid) {}

package dev.molo.config;

/** The HTTP interface for people and monitoring. */
public record HttpConfig(
    @Key("Whether HTTP is served on a TCP port (on `RUN/api.sock` it always is).") boolean enabled,
    @Key("The address to listen on. There is no authentication: keep it on loopback.") String host,
    @Key(
            value =
                "The port; 0 lets the kernel choose. The address in use stands in"
                    + " `RUN/http.address`.",
            max = 65535,
            derived = "7780 for the instance `molo`, 0 for others")
        int port) {}

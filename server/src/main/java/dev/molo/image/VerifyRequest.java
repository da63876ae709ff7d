package dev.molo.image;

import java.util.Optional;

/**
 * Layers to verify.
 *
 * @param image whose layers, by reference or id; all layers when empty
 * @param repair whether what is damaged is fetched again
 * @param auth how to identify to the registry then
 */
public record VerifyRequest(Optional<String> image, boolean repair, RegistryAuth auth) {}

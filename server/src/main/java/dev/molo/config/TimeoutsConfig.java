package dev.molo.config;

import java.time.Duration;

/** Deadlines of the daemon's own. */
public record TimeoutsConfig(
    @Key(
            value = "A verb such as RunPodSandbox or CreateContainer, whoever still waits for it.",
            min = 1000)
        Duration verb,
    @Key(value = "Undoing what a failed verb had made.", min = 1000) Duration undo,
    @Key(value = "From when on a step of a verb counts as slow and is shown.", min = 1)
        Duration slowStage) {}

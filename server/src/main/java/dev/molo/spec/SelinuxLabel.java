package dev.molo.spec;

/** An SELinux label as CRI's SELinuxOption spells it; empty parts are left to the policy. */
public record SelinuxLabel(String user, String role, String type, String level) {}

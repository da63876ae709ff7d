package dev.molo.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Certificates that openssl makes for one test. */
record TestCertificates(Path directory) {

  /** Two PEM files; the key is in PKCS 8. */
  record Pair(Path certificate, Path key) {}

  /** An authority that vouches for itself. */
  Pair authority(String name) throws IOException, InterruptedException {
    return make(name, List.of());
  }

  /** What the authority vouches for, good for 127.0.0.1 as server and for clients. */
  Pair issue(String name, Pair authority) throws IOException, InterruptedException {
    return make(
        name,
        List.of(
            "-CA",
            authority.certificate().toString(),
            "-CAkey",
            authority.key().toString(),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE"));
  }

  private Pair make(String name, List<String> more) throws IOException, InterruptedException {
    Pair pair = new Pair(directory.resolve(name + ".pem"), directory.resolve(name + ".key"));
    List<String> command =
        new ArrayList<>(
            List.of(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + name,
                "-out",
                pair.certificate().toString(),
                "-keyout",
                pair.key().toString()));
    command.addAll(more);
    Process openssl =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve(name + ".log").toFile())
            .start();
    if (openssl.waitFor() != 0) {
      throw new IOException("openssl fails, see " + directory.resolve(name + ".log"));
    }
    return pair;
  }
}

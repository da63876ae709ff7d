package dev.molo.image;

import dev.molo.Program;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ServerSocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Certificates that openssl makes for one test. */
record TestCertificates(Path directory) {

  /** Two PEM files; the key is in PKCS 8. */
  record Pair(Path certificate, Path key) {

    /** Servers that show it. */
    ServerSocketFactory servers() throws IOException {
      try (InputStream in = Files.newInputStream(certificate)) {
        Certificate shown = CertificateFactory.getInstance("X.509").generateCertificate(in);
        byte[] pkcs8 =
            Base64.getMimeDecoder()
                .decode(Files.readString(key).replaceAll("-----[^-]*-----|\\s", ""));
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        store.setKeyEntry(
            "it",
            KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8)),
            new char[0],
            new Certificate[] {shown});
        KeyManagerFactory keys =
            KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context.getServerSocketFactory();
      } catch (GeneralSecurityException e) {
        throw new IOException(e);
      }
    }
  }

  /** An authority that vouches for itself. */
  Pair authority(String name) throws IOException, InterruptedException {
    return make(name, List.of());
  }

  /** What the authority vouches for, good for 127.0.0.1 as server and for clients. */
  Pair issue(String name, Pair authority) throws IOException, InterruptedException {
    return issue(name, authority, "IP:127.0.0.1");
  }

  /** The same for another place: {@code DNS:…} or {@code IP:…}. */
  Pair issue(String name, Pair authority, String place) throws IOException, InterruptedException {
    return make(
        name,
        List.of(
            "-CA",
            authority.certificate().toString(),
            "-CAkey",
            authority.key().toString(),
            "-addext",
            "subjectAltName=" + place,
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
    Program.Ended openssl = Program.run(command.toArray(String[]::new));
    if (openssl.status() != 0) {
      throw new IOException("openssl fails: " + openssl.output());
    }
    return pair;
  }
}

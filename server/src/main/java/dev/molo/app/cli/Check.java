package dev.molo.app.cli;

import dev.molo.linux.KernelFeature;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one try of {@code molo doctor} gave.
 *
 * @param name what was tried
 * @param detail what came of it
 * @param remedy what an operator can do; empty when all is well
 */
record Check(String name, boolean ok, String detail, String remedy) {
  static Check of(String name, boolean ok, String detail, String remedy) {
    return new Check(name, ok, detail, ok ? "" : remedy);
  }

  static Check of(KernelFeature feature) {
    return new Check(feature.name(), feature.available(), feature.detail(), feature.remedy());
  }

  Map<String, Object> document() {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("name", name);
    document.put("ok", ok);
    document.put("detail", detail);
    document.put("remedy", remedy);
    return document;
  }
}

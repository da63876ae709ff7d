package dev.molo.cri;

/**
 * A row of the table of request fields.
 *
 * @param path from the request's message: {@code RunPodSandboxRequest.config.hostname}
 * @param fieldClass what becomes of it
 * @param check what its values must look like
 * @param checkCell the check as the table spells it
 * @param note for people; may be empty
 */
record FieldRule(
    String path, FieldClass fieldClass, FieldCheck check, String checkCell, String note) {

  /** Reads a line of the table: tab-separated path, class, check and, where there is one, note. */
  static FieldRule parse(String line) {
    String[] cells = line.split("\t", -1);
    if (cells.length < 3 || cells.length > 4) {
      throw new IllegalStateException("request-fields.tsv: not a row: " + line);
    }
    return new FieldRule(
        cells[0],
        FieldClass.of(cells[1]),
        FieldCheck.parse(cells[2]),
        cells[2],
        cells.length == 4 ? cells[3] : "");
  }
}

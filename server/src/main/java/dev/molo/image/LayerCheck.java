package dev.molo.image;

/**
 * What the verification of one layer found.
 *
 * @param diffId which
 * @param bytes that it takes; 0 when it is not there
 * @param verdict whether it is sound now
 * @param detail what is or was wrong, and why it could not be repaired; empty when all is well
 */
public record LayerCheck(Digest diffId, long bytes, Verdict verdict, String detail) {

  /** How a layer was found, or left. */
  public enum Verdict {
    SOUND,
    DAMAGED,
    /** It was damaged, and has been fetched again. */
    REPAIRED
  }
}

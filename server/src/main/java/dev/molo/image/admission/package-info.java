/**
 * Who may come in: the policy's patterns, and the verifier programs that the node's owner has
 * installed. No state; everything runs on the pull's own thread.
 */
package dev.molo.image.admission;

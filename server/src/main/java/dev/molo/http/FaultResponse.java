package dev.molo.http;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.vertx.core.json.JsonObject;

/** How failures look over HTTP: a status and {@code {"error": {"code": …, "message": …}}}. */
final class FaultResponse {
  private FaultResponse() {}

  static int status(Fault kind) {
    return switch (kind) {
      case INVALID_ARGUMENT -> 400;
      case UNAUTHENTICATED -> 401;
      case PERMISSION_DENIED -> 403;
      case NOT_FOUND -> 404;
      case FAILED_PRECONDITION -> 409;
      case RESOURCE_EXHAUSTED -> 507;
      case UNAVAILABLE -> 503;
      case DEADLINE_EXCEEDED -> 504;
      case UNIMPLEMENTED -> 501;
      // the client will not see it
      case CANCELLED -> 499;
      case INTERNAL -> 500;
    };
  }

  static int status(Throwable failure) {
    return failure instanceof FaultException fault ? status(fault.kind()) : 500;
  }

  static JsonObject body(Throwable failure) {
    return failure instanceof FaultException fault
        ? body(fault.kind().name(), fault.getMessage())
        : body(Fault.INTERNAL.name(), "the daemon failed; its log says why");
  }

  static JsonObject body(String code, String message) {
    return new JsonObject()
        .put("error", new JsonObject().put("code", code).put("message", message));
  }
}

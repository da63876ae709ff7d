package dev.molo.http;

import io.vertx.core.json.JsonObject;

/** What is sent back, when it is small enough to be made at once. */
record Answer(int status, String type, String body) {
  static final String JSON = "application/json; charset=utf-8";

  static Answer text(String body) {
    return new Answer(200, "text/plain; charset=utf-8", body);
  }

  static Answer json(JsonObject body) {
    return json(200, body);
  }

  static Answer json(int status, JsonObject body) {
    return new Answer(status, JSON, body.encode() + "\n");
  }

  static Answer error(int status, String code, String message) {
    return json(status, FaultResponse.body(code, message));
  }
}
